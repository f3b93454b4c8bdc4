package scaleiotest

import (
	"maps"
	"os"
	"slices"
	"strings"
)

// driverFiles are what an SDC's package brings for its kernel module: modules
// for the kernels of the hosts that are played, this machine's among them, and
// the settings by which it looks for others. Names are without the first slash.
func driverFiles(version string) map[string]string {
	const sync = "bin/emc/scaleio/scini_sync/"
	files := map[string]string{sync + "driver_sync.conf": "# where modules come from\nrepo_address=ftp://ftp.emc.com/\nrepo_user=\nrepo_password=\n" +
		"local_dir=/" + sync + "driver_cache/\nmodule_sigcheck=0\nsync_pattern=.*\n"}
	kernels := slices.Sorted(maps.Values(kernel))
	if running, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		kernels = append(kernels, strings.TrimSpace(string(running)))
	}
	for _, release := range kernels {
		files[sync+"driver_cache/double/"+version+"/"+release+"/scini.tar"] = "a double of scini.ko\n"
	}
	return files
}
