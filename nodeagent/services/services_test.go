package services_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"scaleio-framework/nodeagent/failure"
	"scaleio-framework/nodeagent/hostfs"
	"scaleio-framework/nodeagent/runner"
	"scaleio-framework/nodeagent/services"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// host gives the services of a host with these files, whose tools are scripts;
// a tool may write to $LOG, and finds "running" in $DIR once it was started.
func host(t *testing.T, scripts map[string]string, files ...string) (services.Services, func() string) {
	t.Helper()
	tools, root, dir := t.TempDir(), t.TempDir(), t.TempDir()
	for name, script := range scripts {
		require.NoError(t, os.WriteFile(filepath.Join(tools, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755))
	}
	for _, name := range files {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(root, name), nil, 0o644))
	}
	t.Setenv("PATH", "/nowhere")
	t.Setenv("DIR", dir)
	t.Setenv("LOG", filepath.Join(dir, "log"))
	return services.New(runner.New(runner.Options{Tools: tools}), hostfs.New(root)), func() string {
		said, err := os.ReadFile(filepath.Join(dir, "log"))
		require.NoError(t, err)
		require.NoError(t, os.Remove(filepath.Join(dir, "log")))
		return string(said)
	}
}

const (
	systemctl = `case "$1" in
is-active) [ -e "$DIR/running" ] && echo active || { echo inactive; exit 3; };;
show) [ -e "$DIR/running" ] && echo "ActiveEnterTimestampMonotonic=77" || echo "ActiveEnterTimestampMonotonic=0";;
*) : > "$DIR/running"; echo "systemctl $*" >> "$LOG";;
esac`
	initctl = `case "$1" in
status) [ -e "$DIR/running" ] && echo "$2 start/running, process 77" || echo "$2 stop/waiting";;
start) [ -e "$DIR/running" ] && { echo "initctl: Job is already running: $2" >&2; exit 1; }; : > "$DIR/running"; echo "initctl $*" >> "$LOG";;
restart) [ -e "$DIR/running" ] || { echo "initctl: Unknown instance:" >&2; exit 1; }; echo "initctl $*" >> "$LOG";;
esac`
	service = `case "$2" in
status) [ -e "$DIR/running" ] || exit 3;;
*) : > "$DIR/running"; echo "service $*" >> "$LOG";;
esac`
	enables = `echo "$(basename $0) $*" >> "$LOG"`
)

func TestServicesAreStartedByWhatStartsThemOnTheHost(t *testing.T) {
	for name, c := range map[string]struct {
		scripts             map[string]string
		files               []string
		start, restart, run string
	}{
		"systemd": {
			map[string]string{"systemctl": systemctl, "initctl": initctl, "service": service},
			[]string{"etc/init/mdm.conf", "etc/init.d/mdm"},
			"systemctl enable mdm\nsystemctl start mdm\n", "systemctl restart mdm\n", "77",
		},
		"upstart": {
			map[string]string{"initctl": initctl, "service": service},
			[]string{"etc/init/mdm.conf", "etc/init.d/mdm"},
			"initctl start mdm\n", "initctl restart mdm\n", "77",
		},
		"a SysV script on a host with upstart": {
			map[string]string{"initctl": initctl, "service": service, "update-rc.d": "PATH=/usr/bin:/bin\n" + enables},
			[]string{"etc/init.d/mdm"},
			"update-rc.d mdm defaults\nservice mdm start\n", "service mdm restart\n", "",
		},
		"SysV of the Red Hat family": {
			map[string]string{"service": service, "chkconfig": "PATH=/usr/bin:/bin\n" + enables},
			[]string{"etc/init.d/mdm"},
			"chkconfig mdm on\nservice mdm start\n", "service mdm restart\n", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, said := host(t, c.scripts, c.files...)
			require.NoError(t, s.Supported())
			active, err := s.IsActive(t.Context(), "mdm")
			require.NoError(t, err)
			require.False(t, active)
			generation, err := s.Generation(t.Context(), "mdm")
			require.NoError(t, err)
			require.Empty(t, generation, "what does not run has none")

			require.NoError(t, s.Start(t.Context(), "mdm"))
			require.Equal(t, c.start, said())
			active, err = s.IsActive(t.Context(), "mdm")
			require.NoError(t, err)
			require.True(t, active)
			require.NoError(t, s.Start(t.Context(), "mdm"), "one that runs is fine")
			require.NoError(t, s.Restart(t.Context(), "mdm"))
			require.Contains(t, said(), c.restart)
			generation, err = s.Generation(t.Context(), "mdm")
			require.NoError(t, err)
			require.Equal(t, c.run, generation)
		})
	}
}

func TestAJobThatDoesNotRunIsStartedByItsRestart(t *testing.T) {
	s, said := host(t, map[string]string{"initctl": initctl}, "etc/init/lia.conf")
	require.NoError(t, s.Restart(t.Context(), "lia"))
	require.Equal(t, "initctl start lia\n", said())
}

func TestAServiceThatTheHostDoesNotKnow(t *testing.T) {
	s, _ := host(t, map[string]string{"initctl": initctl, "service": service})
	active, err := s.IsActive(t.Context(), "mdm")
	require.NoError(t, err)
	require.False(t, active)
	require.EqualError(t, s.Start(t.Context(), "mdm"), "start service mdm: the host has neither /etc/init/mdm.conf nor /etc/init.d/mdm")
	require.ErrorContains(t, s.Restart(t.Context(), "mdm"), "restart service mdm")
}

func TestAHostThatCannotStartServices(t *testing.T) {
	s, _ := host(t, nil)
	require.ErrorContains(t, s.Supported(), "none of systemctl, initctl and service")
	_, err := s.IsActive(t.Context(), "mdm")
	require.Equal(t, failure.Hopelessness, failure.KindOf(err))
	require.Equal(t, failure.Hopelessness, failure.KindOf(s.Start(t.Context(), "mdm")))
}

func TestToolsThatFailSayWhy(t *testing.T) {
	s, _ := host(t, map[string]string{"systemctl": `echo "Unit mdm.service not found." >&2; exit 5`})
	require.ErrorContains(t, s.Start(t.Context(), "mdm"), "start service mdm: systemctl ended with status 5: Unit mdm.service not found.")
	require.ErrorContains(t, s.Restart(t.Context(), "mdm"), "Unit mdm.service not found.")
}

// What an operator reads is systemd's own word where there is one.
func TestTheStateOfAServiceIsAWord(t *testing.T) {
	for name, c := range map[string]struct {
		scripts map[string]string
		files   []string
		want    string
	}{
		"systemd's word":  {map[string]string{"systemctl": "echo activating; exit 3"}, nil, "activating"},
		"systemd is mute": {map[string]string{"systemctl": "exit 4"}, nil, "not active"},
		"upstart":         {map[string]string{"initctl": "echo \"$2 start/running, process 7\""}, []string{"etc/init/mdm.conf"}, "active"},
		"a script":        {map[string]string{"service": "exit 3"}, []string{"etc/init.d/mdm"}, "not active"},
		"nothing":         {nil, nil, "unknown: services cannot be started: this host has none of systemctl, initctl and service: install one, or put its directory into the node agent's PATH"},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := host(t, c.scripts, c.files...)
			require.Equal(t, c.want, s.State(t.Context(), "mdm"))
		})
	}
}

// A service's own words come first, but for those that say nothing.
func TestTheJournalOfAService(t *testing.T) {
	const unit, own = "--unit=mdm", "_SYSTEMD_UNIT=mdm.service"
	worth := func(text string) string {
		if strings.TrimSpace(text) == "chatter" {
			return ""
		}
		return strings.TrimSpace(text)
	}
	for name, c := range map[string]struct{ own, unit, want string }{
		"its own words":         {"echo ended", "echo scheduled", "ended"},
		"it said nothing":       {"true", "echo scheduled", "scheduled"},
		"it said nothing worth": {"echo chatter", "echo scheduled", "scheduled"},
		"it cannot be asked":    {"exit 1", "echo scheduled", "scheduled"},
		"nobody said anything":  {"echo chatter", "true", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := host(t, map[string]string{
				"systemctl":  "true",
				"journalctl": `case "$1" in ` + own + ") " + c.own + " ;; " + unit + ") " + c.unit + " ;; esac",
			})
			require.Equal(t, c.want, s.Journal(t.Context(), "mdm", 3, worth))
		})
	}
	s, _ := host(t, map[string]string{"journalctl": "echo of another system"})
	require.Empty(t, s.Journal(t.Context(), "mdm", 3, worth), "systemd does not run here")
}
