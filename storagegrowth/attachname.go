package storagegrowth

import (
	"fmt"
	"slices"

	"scaleio-framework/internal/core"
)

// freeDevice chooses a device name on an instance that is neither in use nor
// asked for nor known to be bad.
func freeDevice(instance core.CloudInstance, asked, bad []string) (string, error) {
	for _, series := range []string{"/dev/sd", "/dev/xvdb", "/dev/xvdc"} {
		first := 'a'
		if series == "/dev/sd" {
			first = 'f'
		}
		for letter := first; letter <= 'z'; letter++ {
			name := series + string(letter)
			if _, used := instance.Devices[name]; !used && !slices.Contains(asked, name) && !slices.Contains(bad, name) {
				return name, nil
			}
		}
	}
	return "", fmt.Errorf("no device name is free on instance %s", instance.ID)
}
