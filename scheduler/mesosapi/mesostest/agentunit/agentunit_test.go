package agentunit_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/scheduler/mesosapi/mesostest/agentunit"
)

func TestFlagsOfTheCommandLineWin(t *testing.T) {
	flags := agentunit.Flags([]string{"--work_dir=/b", "--strict"}, []string{"MESOS_WORK_DIR=/a", "MESOS_MODULES_DIR=/m", "PATH=/bin"})
	require.Equal(t, map[string]string{"isolation": "posix/cpu,posix/mem", "work_dir": "/b", "strict": "true", "modules_dir": "/m"}, flags)
}

func TestAnAgentRefusesWhatItCannotRunWith(t *testing.T) {
	const module = `{"libraries":[{"file":"/usr/lib/m.so","modules":[{"name":"com_x"}]}]}`
	for name, c := range map[string]struct {
		flags map[string]string
		files []string
		want  string // part of the refusal; empty for none
	}{
		"nothing but defaults":             {map[string]string{}, nil, ""},
		"docker/volume with dvdcli":        {map[string]string{"isolation": "filesystem/linux,docker/volume"}, []string{"bin/dvdcli"}, ""},
		"docker/volume without":            {map[string]string{"isolation": "filesystem/linux,docker/volume"}, []string{"opt/dvdcli"}, "dvdcli is not in PATH"},
		"an isolator that nobody knows":    {map[string]string{"isolation": "posix/cpu,com_x"}, nil, "unsupported isolator 'com_x'"},
		"an isolator of a module":          {map[string]string{"isolation": "posix/cpu,com_x", "modules": module}, []string{"usr/lib/m.so"}, ""},
		"the same, described in a file":    {map[string]string{"isolation": "com_x", "modules": "file:///etc/m.json"}, []string{"usr/lib/m.so", "etc/m.json=" + module}, ""},
		"the same, described in a folder":  {map[string]string{"isolation": "com_x", "modules_dir": "/etc/mods"}, []string{"usr/lib/m.so", "etc/mods/m.json=" + module}, ""},
		"a module without its library":     {map[string]string{"modules": module}, nil, "library /usr/lib/m.so"},
		"a description that is none":       {map[string]string{"modules": "{"}, nil, "Error loading modules"},
		"a description that is not there":  {map[string]string{"modules": "/etc/m.json"}, nil, "Error loading modules"},
		"modules described at both places": {map[string]string{"modules": module, "modules_dir": "/etc/mods"}, nil, "Only one of --modules or --modules_dir"},
		"a folder of modules that is away": {map[string]string{"modules_dir": "/etc/mods"}, nil, "Error loading modules"},
	} {
		root := t.TempDir()
		for _, file := range c.files {
			path, text, _ := strings.Cut(file, "=")
			require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(root, path)), 0o755))
			require.NoError(t, os.WriteFile(filepath.Join(root, path), []byte(text), 0o755))
		}
		refusal := agentunit.Refusal(root, c.flags, []string{"PATH=/bin"})
		if c.want == "" {
			require.Empty(t, refusal, name)
			continue
		}
		require.Contains(t, refusal, c.want, name)
	}
}
