package agentflags_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/nodeagent/agentflags"
	"scaleio-framework/nodeagent/hostfs"
)

var native = []string{"filesystem/linux", "docker/volume"}

// tree is a host's files by name.
type tree map[string]string

// host writes a tree and opens its flags.
func host(t *testing.T, files tree) (agentflags.Flags, string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o640))
	}
	root := hostfs.New(dir)
	layout, err := agentflags.Find(root)
	require.NoError(t, err)
	return agentflags.New(root, layout), dir
}

// contents reads a tree back.
func contents(t *testing.T, dir string) tree {
	t.Helper()
	found := tree{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		require.NoError(t, err)
		data, err := os.ReadFile(path)
		found[name] = string(data)
		return err
	}))
	return found
}

// with is a tree with other files, or files with other texts.
func (old tree) with(files tree) tree {
	all := tree{}
	for _, t := range []tree{old, files} {
		for name, text := range t {
			all[name] = text
		}
	}
	return all
}

// withoutMarks leaves out what says that a file was not there before.
func (old tree) withoutMarks() tree {
	kept := tree{}
	for name, text := range old {
		if filepath.Ext(name) != ".absent-before-scaleio" {
			kept[name] = text
		}
	}
	return kept
}

func TestIsolatorsAreAddedWhereTheAgentReadsThem(t *testing.T) {
	const (
		flag, kept     = "etc/mesos-slave/isolation", "etc/mesos-slave.isolation.before-scaleio"
		slave          = "etc/default/mesos-slave"
		dcos, override = "opt/mesosphere/etc/mesos-slave-common", "var/lib/dcos/mesos-slave-common"
	)
	classic := tree{"etc/mesos-slave/work_dir": "/var/lib/mesos\n"}
	generated := tree{dcos: "MESOS_ISOLATION=cgroups/cpu,disk/du\nMESOS_WORK_DIR=/var/lib/mesos/slave\n"}
	for name, c := range map[string]struct{ before, after tree }{
		"no flag: the default stays": {classic, tree{flag: "posix/cpu,posix/mem,filesystem/linux,docker/volume\n"}},
		"an empty flag":              {classic.with(tree{flag: " \n"}), tree{flag: "posix/cpu,posix/mem,filesystem/linux,docker/volume\n", kept: " \n"}},
		"a flag with odd spacing": {
			classic.with(tree{flag: "\n cgroups/cpu ,\tcgroups/mem,, \r\n\n"}),
			tree{flag: "cgroups/cpu,cgroups/mem,filesystem/linux,docker/volume\n", kept: "\n cgroups/cpu ,\tcgroups/mem,, \r\n\n"},
		},
		"another isolator of file systems": {
			classic.with(tree{flag: "filesystem/posix,com_example_Isolator\n"}),
			tree{flag: "filesystem/linux,com_example_Isolator,docker/volume\n", kept: "filesystem/posix,com_example_Isolator\n"},
		},
		"all there, in another order": {classic.with(tree{flag: "docker/volume,filesystem/linux,disk/du\n"}), tree{}},
		"a variable of the wrapper's": {
			classic.with(tree{slave: "# the agent\n  ISOLATION=\"cgroups/cpu\"   # as agreed\nULIMIT=\"-n 8192\"\n"}),
			tree{slave: "# the agent\n  ISOLATION=cgroups/cpu,filesystem/linux,docker/volume   # as agreed\nULIMIT=\"-n 8192\"\n", slave + ".before-scaleio": "# the agent\n  ISOLATION=\"cgroups/cpu\"   # as agreed\nULIMIT=\"-n 8192\"\n"},
		},
		"a variable of Mesos', without a line's end": {
			classic.with(tree{"etc/default/mesos": "export MESOS_ISOLATION='cgroups/cpu'; export MESOS_ISOLATION"}),
			tree{"etc/default/mesos": "export MESOS_ISOLATION=cgroups/cpu,filesystem/linux,docker/volume; export MESOS_ISOLATION", "etc/default/mesos.before-scaleio": "export MESOS_ISOLATION='cgroups/cpu'; export MESOS_ISOLATION"},
		},
		"a flag wins over a variable": {
			classic.with(tree{flag: "cgroups/mem\n", "etc/default/mesos": "MESOS_ISOLATION=cgroups/cpu\n"}),
			tree{flag: "cgroups/mem,filesystem/linux,docker/volume\n", kept: "cgroups/mem\n"},
		},
		"an agent of the newer name": {
			tree{"etc/mesos-agent/work_dir": "/var/lib/mesos\n", "etc/default/mesos-agent": "IP=10.0.0.1\n"},
			tree{"etc/mesos-agent/isolation": "posix/cpu,posix/mem,filesystem/linux,docker/volume\n"},
		},
		"DC/OS: the generated list is repeated in the operator's file": {
			generated, tree{override: "MESOS_ISOLATION=cgroups/cpu,disk/du,filesystem/linux,docker/volume\n"},
		},
		"DC/OS: the operator's file is kept": {
			generated.with(tree{override: "; attributes\nMESOS_ATTRIBUTES=rack:r1\n\n MESOS_ISOLATION = cgroups/mem,\\\ndisk/du \nMESOS_X='a # b'"}),
			tree{
				override:                     "; attributes\nMESOS_ATTRIBUTES=rack:r1\n\n MESOS_ISOLATION =cgroups/mem,disk/du,filesystem/linux,docker/volume \nMESOS_X='a # b'",
				override + ".before-scaleio": "; attributes\nMESOS_ATTRIBUTES=rack:r1\n\n MESOS_ISOLATION = cgroups/mem,\\\ndisk/du \nMESOS_X='a # b'",
			},
		},
		"DC/OS: the last line goes on nowhere": {
			generated.with(tree{override: "MESOS_X=a \\"}),
			tree{override: "MESOS_X=a \\\n\nMESOS_ISOLATION=cgroups/cpu,disk/du,filesystem/linux,docker/volume\n", override + ".before-scaleio": "MESOS_X=a \\"},
		},
		"DC/OS: what it generates may do": {tree{dcos: "MESOS_ISOLATION=cgroups/cpu,filesystem/linux,docker/volume\n"}, tree{}},
	} {
		t.Run(name, func(t *testing.T) {
			flags, dir := host(t, c.before)
			has, err := flags.HasIsolators(native...)
			require.NoError(t, err)
			require.Equal(t, len(c.after) == 0, has)
			require.NoError(t, flags.AddIsolators(native...))
			require.Equal(t, c.before.with(c.after), contents(t, dir).withoutMarks())

			require.NoError(t, flags.AddIsolators(native...), "again")
			has, err = flags.HasIsolators(native...)
			require.NoError(t, err)
			require.True(t, has)
			require.NoError(t, flags.AddIsolators("com_other_Isolator"), "and another one later")
			later := contents(t, dir)
			for name, text := range c.after {
				if filepath.Ext(name) == ".before-scaleio" {
					require.Equal(t, text, later[name], "the first version is kept")
				}
			}
			for name := range c.after {
				if refused := agentflags.Refused("/" + name); filepath.Ext(name) != ".before-scaleio" {
					require.NoError(t, os.WriteFile(filepath.Join(dir, refused), []byte("an earlier attempt"), 0o600))
				}
			}
			require.NoError(t, flags.Restore("none"))
			require.Equal(t, c.before, contents(t, dir), "as it was, byte by byte")
			restored, err := flags.Restored()
			require.NoError(t, err)
			require.True(t, restored)
		})
	}
}

func TestFlagsThatCannotBeChangedAreLeftAlone(t *testing.T) {
	const slave = "etc/default/mesos-slave"
	for name, c := range map[string]struct {
		files tree
		says  string
	}{
		"several lines":             {tree{"etc/mesos-slave/isolation": "# ours\ncgroups/cpu\n"}, "/etc/mesos-slave/isolation holds several lines"},
		"what a shell works out":    {tree{"etc/mesos-slave/ip": "1", slave: "ISOLATION=\"$(isolators)\"\n"}, "/etc/default/mesos-slave sets ISOLATION to what only a shell can work out"},
		"a quote that is not ended": {tree{"opt/mesosphere/etc/mesos-slave-common": "", "var/lib/dcos/mesos-slave-common": "A='b\n"}, "a quote in it may not be closed"},
	} {
		flags, dir := host(t, c.files)
		require.ErrorContains(t, flags.AddIsolators(native...), c.says, name)
		require.Equal(t, c.files, contents(t, dir), name)
	}
	_, err := agentflags.Find(hostfs.New(t.TempDir()))
	require.ErrorIs(t, err, agentflags.ErrUnknown)
	flags, _ := host(t, tree{"etc/mesos-slave/ip": "1"})
	require.ErrorContains(t, flags.Set("attributes", "a:b\nc:d"), "cannot be written")
}

func TestAModuleIsDescribedBesideTheOthers(t *testing.T) {
	module := agentflags.Module{Library: "/usr/lib/x-1.0.1.so", Name: "x_Isolator", Parameters: [][2]string{{"command", "/x"}}, File: "/usr/lib/x-mod.json"}
	const (
		own     = `{"file":"/usr/lib/x-1.0.1.so","modules":[{"name":"x_Isolator","parameters":[{"key":"command","value":"/x"}]}]}`
		foreign = `{"file":"/usr/lib/y.so","more":1,"modules":[{"name":"y"}]}`
		older   = `{"file":"/usr/lib/x-1.0.0.so","modules":[{"name":"x_Isolator"}]}`
	)
	libraries := func(list string) string { return `{"libraries":[` + list + `]}` }
	for name, c := range map[string]struct {
		files tree
		file  string // where the description is
		want  string
		flag  string // the file of the flag, and what it says
		says  string
	}{
		"none so far":               {tree{}, "usr/lib/x-mod.json", libraries(own), "file:///usr/lib/x-mod.json\n", ""},
		"beside another":            {tree{"etc/mesos-slave/modules": "file:///etc/mods.json\n", "etc/mods.json": libraries(foreign)}, "etc/mods.json", libraries(foreign + "," + own), "file:///etc/mods.json\n", ""},
		"in place of its own":       {tree{"etc/mesos-slave/modules": "/etc/mods.json", "etc/mods.json": libraries(older + "," + foreign)}, "etc/mods.json", libraries(foreign + "," + own), "/etc/mods.json", ""},
		"in the flag itself":        {tree{"etc/mesos-slave/modules": libraries(foreign)}, "etc/mesos-slave/modules", libraries(foreign + "," + own), "", ""},
		"in a directory":            {tree{"etc/mesos-slave/modules_dir": "/etc/mods"}, "etc/mods/x-mod.json", libraries(own), "", ""},
		"no JSON":                   {tree{"etc/mesos-slave/modules": "/etc/mods.json", "etc/mods.json": "{"}, "", "", "", "/etc/mods.json: the description of modules is no JSON object"},
		"nothing in JSON":           {tree{"etc/mesos-slave/modules": "/etc/mods.json", "etc/mods.json": "null"}, "", "", "", "/etc/mods.json: the description of modules is no JSON object"},
		"libraries of another kind": {tree{"etc/mesos-slave/modules": `{"libraries":{}}`}, "", "", "", "the Mesos agent's flag modules: the description's libraries are no list"},
		"a library with others": {
			tree{"etc/mesos-slave/modules": libraries(`{"file":"/z.so","modules":[{"name":"z"},{"name":"x_Isolator"}]}`)}, "", "", "", "take it out by hand",
		},
	} {
		t.Run(name, func(t *testing.T) {
			flags, dir := host(t, c.files.with(tree{"etc/mesos-slave/ip": "1"}))
			if c.says != "" {
				before := contents(t, dir)
				require.ErrorContains(t, flags.AddModule(module), c.says)
				require.Equal(t, before, contents(t, dir))
				return
			}
			has, err := flags.HasModule(module)
			require.NoError(t, err)
			require.False(t, has)
			for range 2 {
				require.NoError(t, flags.AddModule(module))
				found := contents(t, dir)
				require.JSONEq(t, c.want, found[c.file])
				if c.flag != "" {
					require.Equal(t, c.flag, found["etc/mesos-slave/modules"])
				}
				if old, had := c.files["etc/mods.json"]; had {
					require.Equal(t, old, found["etc/mods.json.before-scaleio"])
				}
				has, err = flags.HasModule(module)
				require.NoError(t, err)
				require.True(t, has)
			}
			require.NoError(t, flags.Restore(module.Name))
			require.Equal(t, c.files.with(tree{"etc/mesos-slave/ip": "1"}), contents(t, dir), "as it was, byte by byte")
		})
	}
}

// What somebody else changed since stays; what cannot be told apart is left to
// an operator.
func TestRestoringKeepsWhatOthersChanged(t *testing.T) {
	const file = "etc/default/mesos-slave"
	for name, c := range map[string]struct{ before, since, after, says string }{
		"another variable was added": {"ISOLATION=cgroups/cpu\n", "ATTR=x\n", "ISOLATION=cgroups/cpu\nATTR=x\n", ""},
		"nothing was changed":        {"ISOLATION=cgroups/cpu # odd\n", "", "ISOLATION=cgroups/cpu # odd\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			flags, dir := host(t, tree{"etc/mesos-slave/ip": "1", file: c.before})
			require.NoError(t, flags.AddIsolators(native...))
			path := filepath.Join(dir, file)
			now, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(path, append(now, c.since...), 0o640))
			require.NoError(t, flags.Restore("none"))
			require.Equal(t, c.after, contents(t, dir)[file])
		})
	}
	flags, dir := host(t, tree{"opt/mesosphere/etc/mesos-slave-common": "MESOS_WORK_DIR=/x\n"})
	require.NoError(t, flags.AddIsolators(native...))
	path := filepath.Join(dir, "var/lib/dcos/mesos-slave-common")
	now, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, append(now, "MESOS_ATTRIBUTES=rack:r1\n"...), 0o640))
	before := contents(t, dir)
	err = flags.Restore("none")
	require.ErrorContains(t, err, "/var/lib/dcos/mesos-slave-common was changed since")
	require.ErrorContains(t, err, "mend the file, remove that one, and retry")
	require.Equal(t, before, contents(t, dir))
}
