package agentunit

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// builtIn are the beginnings of the names of Mesos' own isolators.
var builtIn = []string{
	"posix/", "cgroups/", "filesystem/", "docker/", "disk/", "volume/", "network/", "namespaces/", "appc/", "linux/", "gpu/", "environment_secret",
}

// Refusal is what an agent says that does not start with its flags; empty for
// one that does. root is the host's, and PATH comes from env. The texts are
// like Mesos' own, not the same.
func Refusal(root string, flags map[string]string, env []string) string {
	if flags["modules"] != "" && flags["modules_dir"] != "" {
		return "Only one of --modules or --modules_dir should be specified"
	}
	loaded, err := modules(root, flags)
	if err != nil {
		return "Error loading modules: " + err.Error()
	}
	for name := range strings.SplitSeq(flags["isolation"], ",") {
		name = strings.TrimSpace(name)
		switch {
		case name == "" || loaded[name]:
		case !hasPrefix(name, builtIn):
			return fmt.Sprintf("Failed to create a containerizer: Could not create MesosContainerizer: Unknown or unsupported isolator '%s'", name)
		case name == "docker/volume" && !inPath(root, "dvdcli", env):
			return "Failed to create a containerizer: Could not create MesosContainerizer: Failed to create isolator 'docker/volume': dvdcli is not in PATH"
		}
	}
	return ""
}

func hasPrefix(name string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}

func inPath(root, program string, env []string) bool {
	path := "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	for _, variable := range env {
		if value, ok := strings.CutPrefix(variable, "PATH="); ok {
			path = value
		}
	}
	for _, dir := range filepath.SplitList(path) {
		// A link of a machine leads to what is in the machine.
		if info, err := os.Lstat(filepath.Join(root, dir, program)); err == nil && !info.IsDir() {
			return true
		}
	}
	return false
}

// modules are the names of those that the descriptions load.
func modules(root string, flags map[string]string) (map[string]bool, error) {
	texts := map[string]string{}
	switch value := flags["modules"]; {
	case strings.HasPrefix(value, "{"):
		texts["--modules"] = value
	case value != "":
		file := strings.TrimPrefix(value, "file://")
		data, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			return nil, err
		}
		texts[file] = string(data)
	}
	if dir := strings.TrimPrefix(flags["modules_dir"], "file://"); dir != "" {
		entries, err := os.ReadDir(filepath.Join(root, dir))
		if err != nil {
			return nil, err
		}
		for _, entry := range entries {
			data, err := os.ReadFile(filepath.Join(root, dir, entry.Name()))
			if err != nil {
				return nil, err
			}
			texts[entry.Name()] = string(data)
		}
	}
	loaded := map[string]bool{}
	for name, text := range texts {
		var description struct {
			Libraries []struct {
				File    string `json:"file"`
				Modules []struct {
					Name string `json:"name"`
				} `json:"modules"`
			} `json:"libraries"`
		}
		if err := json.Unmarshal([]byte(text), &description); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for _, library := range description.Libraries {
			if _, err := os.Stat(filepath.Join(root, library.File)); err != nil {
				return nil, fmt.Errorf("library %s: %w", library.File, err)
			}
			for _, m := range library.Modules {
				loaded[m.Name] = true
			}
		}
	}
	return loaded, nil
}
