package packagestest

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// WriteRepository makes a folder a repository of these packages, which apt
// takes as "deb [trusted=yes] URL ./" when it is served.
func WriteRepository(folder string, debs ...Deb) error {
	var index strings.Builder
	for _, d := range debs {
		file := d.Name + "_" + d.Version + "_amd64.deb"
		if err := d.Build(filepath.Join(folder, file)); err != nil {
			return err
		}
		data, err := os.ReadFile(filepath.Join(folder, file))
		if err != nil {
			return err
		}
		fmt.Fprintf(&index, "%sFilename: ./%s\nSize: %d\nSHA256: %x\n\n", d.control(), file, len(data), sha256.Sum256(data))
	}
	return write(filepath.Join(folder, "Packages"), index.String(), 0o644)
}
