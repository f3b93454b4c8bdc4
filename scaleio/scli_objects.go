package scaleio

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Properties are one object of an answer to SCLI.QueryProperties.
type Properties struct {
	ID     string // 16 hexadecimal digits
	Values map[string]string
}

var (
	noObjectsPattern  = regexp.MustCompile(`(?im)^\s*no objects returned`)
	objectPattern     = regexp.MustCompile(`^([A-Z_]+) ([0-9a-f]{16}):$`)
	propertyPattern   = regexp.MustCompile(`^\s+([A-Z][A-Z0-9_]*)(?:\s+(.*))?$`)
	devicesPattern    = regexp.MustCompile(`(?im)^\s*device information \(total (\d+) devices?\)`)
	devicePattern     = regexp.MustCompile(`^\s*\d+: Name: (.*?)\s+Path: (.*?)\s+Original-path: (.*?)\s+ID: ([0-9a-f]{16})$`)
	deviceHomePattern = regexp.MustCompile(`^\s*Storage Pool: (.*?), Capacity: .*\bState: (.*)$`)
	volumesPattern    = regexp.MustCompile(`(?im)^\s*query-all-volumes returned (\d+) volumes?`)
	volumePattern     = regexp.MustCompile(`^\s*Volume ID: ([0-9a-f]{16}) Name: (.*?) Size: (.*)$`)
	paddingPattern    = regexp.MustCompile(`(?im)^\s*zero padding is (enabled|disabled)\b`)
)

// ParseProperties reads the answer to SCLI.QueryProperties about one kind of
// object. An answer that is neither objects nor the word that there are none
// is an error: it must not pass for an empty system.
func ParseProperties(kind ObjectType, text string) ([]Properties, error) {
	var all []Properties
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \t\r\n")
		if m := objectPattern.FindStringSubmatch(line); m != nil {
			if m[1] != string(kind) {
				return nil, fmt.Errorf("scli --query_properties: %w: %s instead of %s", ErrNoAnswer, m[1], kind)
			}
			all = append(all, Properties{ID: m[2], Values: make(map[string]string)})
		} else if m := propertyPattern.FindStringSubmatch(line); m != nil && len(all) > 0 {
			all[len(all)-1].Values[m[1]] = m[2]
		}
	}
	if len(all) == 0 && !noObjectsPattern.MatchString(text) {
		return nil, fmt.Errorf("scli --query_properties: %w: no %s in %q", ErrNoAnswer, kind, clip(text))
	}
	return all, nil
}

// SCLIDevice is a device of an SDS.
type SCLIDevice struct {
	ID           string
	Name         string // empty when it has none
	Path         string
	OriginalPath string
	StoragePool  string
	State        string // Normal when all is well
}

// At is where the SDS has the device now. The original path says nothing once
// another one is known: kernel names change hands.
func (d SCLIDevice) At() string { return cmp.Or(d.Path, d.OriginalPath) }

// ParseSDSDevices reads the devices from the answer to SCLI.QuerySDS. One that
// lists fewer or more than it says is an error.
func ParseSDSDevices(text string) ([]SCLIDevice, error) {
	var devices []SCLIDevice
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \t\r\n")
		if m := devicePattern.FindStringSubmatch(line); m != nil {
			d := SCLIDevice{Name: m[1], Path: m[2], OriginalPath: m[3], ID: m[4]}
			if d.Name == "N/A" {
				d.Name = ""
			}
			devices = append(devices, d)
		} else if m := deviceHomePattern.FindStringSubmatch(line); m != nil && len(devices) > 0 {
			last := &devices[len(devices)-1]
			last.StoragePool, last.State = m[1], m[2]
		}
	}
	if err := complete("--query_sds", devicesPattern, text, len(devices)); err != nil {
		return nil, err
	}
	return devices, nil
}

// SCLIVolume is a volume.
type SCLIVolume struct {
	ID, Name string
	// Mapped is false only where the answer says that it is not.
	Mapped bool
}

// ParseVolumes reads the answer to SCLI.QueryVolumes. One that lists fewer or
// more than it says is an error.
func ParseVolumes(text string) ([]SCLIVolume, error) {
	var volumes []SCLIVolume
	for line := range strings.Lines(text) {
		if m := volumePattern.FindStringSubmatch(strings.TrimRight(line, " \t\r\n")); m != nil {
			volumes = append(volumes, SCLIVolume{ID: m[1], Name: m[2], Mapped: !strings.Contains(m[3], "Unmapped")})
		}
	}
	if err := complete("--query_all_volumes", volumesPattern, text, len(volumes)); err != nil {
		return nil, err
	}
	return volumes, nil
}

// complete compares how many were read with how many the answer says it has.
func complete(query string, said *regexp.Regexp, text string, read int) error {
	n, err := strconv.Atoi(group(said, text))
	switch {
	case err != nil:
		return fmt.Errorf("scli %s: %w: %q", query, ErrNoAnswer, clip(text))
	case n != read:
		return fmt.Errorf("scli %s: %w: it says that there are %d and %d can be read", query, ErrNoAnswer, n, read)
	}
	return nil
}

// ParseZeroPadding reads from the answer to SCLI.QueryStoragePool whether the
// pool pads with zeros; told is false where the answer does not say.
func ParseZeroPadding(text string) (on, told bool) {
	word := strings.ToLower(group(paddingPattern, text))
	return word == "enabled", word != ""
}
