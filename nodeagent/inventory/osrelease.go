package inventory

import (
	"errors"
	"fmt"
	"strings"

	"scaleio-framework/internal/model"
	"scaleio-framework/nodeagent/packages"
)

// families maps the ID of os-release, and the words of ID_LIKE, to the package
// family.
func families() map[string]string {
	return map[string]string{
		"ubuntu": packages.Deb, "debian": packages.Deb,
		"rhel": packages.RPM, "centos": packages.RPM, "rocky": packages.RPM, "almalinux": packages.RPM,
		"ol": packages.RPM, "fedora": packages.RPM, "sles": packages.RPM, "suse": packages.RPM,
		"opensuse-leap": packages.RPM, "amzn": packages.RPM,
	}
}

// ParseOSRelease reads an os-release file: shell-like assignments, of which
// only quotes and backslashes matter.
func ParseOSRelease(data []byte) (model.OS, error) {
	values := map[string]string{}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		key, value, ok := strings.Cut(line, "=")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		values[strings.TrimSpace(key)] = unquote(strings.TrimSpace(value))
	}
	system := model.OS{ID: strings.ToLower(values["ID"]), Version: values["VERSION_ID"]}
	if system.ID == "" {
		return system, errors.New("operating system: os-release has no ID")
	}
	if fromImage(values) {
		system.Family = packages.Unpacked
		return system, nil
	}
	known := families()
	for _, name := range append([]string{system.ID}, strings.Fields(strings.ToLower(values["ID_LIKE"]))...) {
		if family, ok := known[name]; ok {
			system.Family = family
			return system, nil
		}
	}
	return system, fmt.Errorf("operating system %q %q is not supported: its packages are neither deb nor rpm as far as os-release tells (ID, ID_LIKE)", system.ID, system.Version)
}

// fromImage tells the systems that come as an image, with a read-only /usr.
// Flatcar and Container Linux have no package manager. Those made by OSTree do
// have rpm and name a system in ID or ID_LIKE that we serve, but an installation
// would fail in its middle, at the first file below /usr.
func fromImage(values map[string]string) bool {
	id := strings.ToLower(values["ID"])
	return id == "flatcar" || id == "coreos" || strings.EqualFold(values["VARIANT_ID"], "coreos") || values["OSTREE_VERSION"] != ""
}

func unquote(value string) string {
	if len(value) >= 2 && (value[0] == '"' || value[0] == '\'') && value[len(value)-1] == value[0] {
		single := value[0] == '\''
		value = value[1 : len(value)-1]
		if single {
			return value
		}
	}
	var b strings.Builder
	for i := 0; i < len(value); i++ {
		if value[i] == '\\' && i+1 < len(value) {
			i++
		}
		b.WriteByte(value[i])
	}
	return b.String()
}
