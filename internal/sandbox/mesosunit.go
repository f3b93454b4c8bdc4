package sandbox

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"scaleio-framework/scaleio/scaleiotest"
	"scaleio-framework/scheduler/mesosapi/mesostest/agentunit"
)

// MesosUnit is the service that the Mesos agent of a machine is.
type MesosUnit struct {
	// DCOS lays the agent out as DC/OS does, with the REX-Ray that comes with it;
	// otherwise as Mesosphere's packages do.
	DCOS bool
	// KillMode is the unit's; process when empty, as in Mesosphere's packages.
	// With control-group, a stop of the unit ends every process in its group.
	KillMode string
	// ExecutorsInside starts executors in the unit's control group, as agents do
	// without --systemd_enable_support; otherwise each is a unit of its own.
	ExecutorsInside bool
}

// name is the unit's.
func (u MesosUnit) name() string {
	if u.DCOS {
		return "dcos-mesos-slave.service"
	}
	return "mesos-slave.service"
}

func (u MesosUnit) killMode() string {
	if u.KillMode == "" {
		return "process"
	}
	return u.KillMode
}

// mesosWrapper starts an agent as the wrapper of Mesosphere's packages does: a
// file in /etc/mesos-slave is a flag, one whose name begins with ? a flag
// without value, and some variables of /etc/default are flags, too.
const mesosWrapper = `#!/bin/bash
set -o allexport
for file in /etc/default/mesos /etc/default/mesos-slave; do
	[ ! -f $file ] || . $file
done
set +o allexport
args=()
[ -z "$ISOLATION" ] || args+=(--isolation="$ISOLATION")
[ ! -f /etc/mesos/zk ] || args+=(--master="$(cat /etc/mesos/zk)")
for file in /etc/mesos-slave/*; do
	[ -f "$file" ] || continue
	name=${file##*/}
	case $name in
	'?'*) args+=(--"${name:1}") ;;
	*) args+=(--"$name=$(cat "$file")") ;;
	esac
done
exec mesos-slave "${args[@]}"
`

// lines of the units that both layouts have: the agent is started again when it
// ends, though sooner than in the real ones, which wait 20 and 5 s.
const unitEnd = "Restart=always\nRestartSec=1\n[Install]\nWantedBy=multi-user.target\n"

// files are those of the agent's installation, by their names on the host.
func (u MesosUnit) files() map[string]string {
	if !u.DCOS {
		return map[string]string{
			"/etc/systemd/system/mesos-slave.service": "[Unit]\nDescription=Mesos Slave\nAfter=network.target\n[Service]\n" +
				"ExecStart=/usr/bin/mesos-init-wrapper slave\nKillMode=" + u.killMode() + "\n" + unitEnd,
			"/usr/bin/mesos-init-wrapper":     mesosWrapper,
			"/etc/mesos/zk":                   "zk://127.0.0.1:2181/mesos\n",
			"/etc/default/mesos":              "ULIMIT=\"-n 8192\"\n",
			"/etc/default/mesos-slave":        "# The agent of this host.\nexport GLOG_v=0\n",
			"/etc/mesos-slave/work_dir":       "/var/lib/mesos\n",
			"/etc/mesos-slave/containerizers": "mesos\n",
		}
	}
	const generated = "/opt/mesosphere/etc/"
	return map[string]string{
		"/etc/systemd/system/dcos-mesos-slave.service": "[Unit]\nDescription=Mesos Agent: DC/OS\n[Service]\nKillMode=" + u.killMode() + "\n" +
			"EnvironmentFile=/opt/mesosphere/environment\nEnvironmentFile=" + generated + "mesos-slave-common\nEnvironmentFile=" + generated + "mesos-slave\n" +
			"EnvironmentFile=-/var/lib/dcos/mesos-slave-common\nExecStart=/opt/mesosphere/bin/mesos-agent\n" + unitEnd,
		"/etc/systemd/system/dcos-rexray.service": "[Unit]\nDescription=REX-Ray: DC/OS\n[Service]\nEnvironmentFile=/opt/mesosphere/environment\n" +
			"Environment=REXRAY_HOME=/\nEnvironment=DOCKER_LEGACY=true\n" +
			"ExecStartPre=/bin/mkdir -p /etc/rexray /run/docker/plugins\nExecStartPre=/bin/cp " + generated + "rexray.conf /etc/rexray/config.yml\n" +
			"ExecStart=/bin/sleep infinity\nRestart=always\nRestartSec=15\n[Install]\nWantedBy=multi-user.target\n",
		"/opt/mesosphere/environment":            "PATH=/opt/mesosphere/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n",
		generated + "mesos-slave-common":         "MESOS_ISOLATION=cgroups/cpu,cgroups/mem,disk/du,filesystem/linux\nMESOS_MODULES_DIR=" + generated + "mesos-slave-modules\nMESOS_DOCKER_VOLUME_CHECKPOINT_DIR=/var/lib/mesos/isolators/docker/volume\n",
		generated + "mesos-slave":                "MESOS_WORK_DIR=/var/lib/mesos/slave\n",
		generated + "mesos-slave-modules/a.json": "{\"libraries\": []}\n",
		generated + "rexray.conf":                "rexray:\n  loglevel: info\n",
	}
}

// programs are links to the stand-in.
func (u MesosUnit) programs() []string {
	if u.DCOS {
		return []string{"/opt/mesosphere/bin/mesos-agent", "/opt/mesosphere/bin/rexray", "/opt/mesosphere/bin/dvdcli"}
	}
	return []string{"/usr/sbin/mesos-slave"}
}

// units are those that start with the host.
func (u MesosUnit) units() []string {
	if u.DCOS {
		return []string{u.name(), "dcos-rexray.service"}
	}
	return []string{u.name()}
}

// layOut installs the agent on a host whose machine is off.
func (u MesosUnit) layOut(root string, at agentunit.Place) error {
	place, err := json.Marshal(at)
	if err != nil {
		return err
	}
	files := u.files()
	files[agentunit.File] = string(place) + "\n"
	for name, text := range files {
		mode := os.FileMode(0o644)
		if text[0] == '#' && text[1] == '!' {
			mode = 0o755
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755); err != nil {
			return fmt.Errorf("install the Mesos agent: %w", err)
		}
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), mode); err != nil {
			return fmt.Errorf("install the Mesos agent: %w", err)
		}
	}
	links := map[string]string{}
	for _, program := range u.programs() {
		links[program] = scaleiotest.StandIn
	}
	for _, unit := range u.units() {
		links["/etc/systemd/system/multi-user.target.wants/"+unit] = "/etc/systemd/system/" + unit
	}
	for name, target := range links {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755); err != nil {
			return fmt.Errorf("install the Mesos agent: %w", err)
		}
		if err := os.Symlink(target, filepath.Join(root, name)); err != nil {
			return fmt.Errorf("install the Mesos agent: %w", err)
		}
	}
	return nil
}
