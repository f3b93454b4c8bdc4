package scaleioctl

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"scaleio-framework/internal/artifacts"
)

// scanCommand writes the manifest of a folder. What looks like a package and is
// none is told on the other stream.
func (p *program) scanCommand(_ context.Context, words []string) error {
	manifest, ignored, err := artifacts.Scan(words[0])
	if err != nil {
		return err
	}
	for _, i := range ignored {
		fmt.Fprintf(p.Err, "scaleioctl: %s is left out: %s\n", i.File, i.Reason)
	}
	if len(manifest.Entries) == 0 {
		return fmt.Errorf("%s holds no package whose name is known: docs/packages.md lists them", words[0])
	}
	if p.base != "" {
		if err := rebase(manifest, p.base); err != nil {
			return errUsage{"--base: " + err.Error()}
		}
	}
	text, err := manifest.Encode()
	if err != nil {
		return err
	}
	// What is written is what a scheduler takes.
	if _, err := artifacts.ParseManifest(text); err != nil {
		return err
	}
	if p.output == "" {
		_, err := p.Out.Write(text)
		return err
	}
	return replaceFile(p.output, text)
}

// rebase makes the URLs of a manifest absolute.
func rebase(manifest *artifacts.Manifest, base string) error {
	u, err := url.Parse(strings.TrimSuffix(base, "/") + "/")
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" {
		return fmt.Errorf("want http://host/path or https://host/path without password and query")
	}
	for i, e := range manifest.Entries {
		relative, err := url.Parse(e.URL)
		if err != nil {
			return err
		}
		manifest.Entries[i].URL = u.ResolveReference(relative).String()
	}
	return nil
}

// replaceFile writes a file so that a reader finds the old one or the new one.
func replaceFile(name string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // the error says why the file is not there
	}
	return err
}

// checked is one file of a manifest, as --json prints it.
type checked struct {
	Version   string `json:"version"`
	System    string `json:"system"`
	Component string `json:"component"`
	Size      int64  `json:"size"` // bytes
	Location  string `json:"location"`
	Line      int    `json:"line"`
	Verdict   string `json:"verdict"`
}

// verifyCommand checks a manifest and, with --fetch, the files behind it.
func (p *program) verifyCommand(ctx context.Context, words []string) error {
	files, err := artifacts.Load(ctx, words[0])
	if err != nil {
		return err
	}
	wrong := 0
	rows := make([]checked, 0, len(files))
	for _, f := range files {
		verdict := "listed"
		if p.fetch {
			verdict = "good"
			if err := f.Check(ctx); err != nil {
				verdict = err.Error()
				wrong++
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		rows = append(rows, checked{f.Version, f.System(), f.Component, f.Size, f.Path + f.Remote, f.Line, verdict})
	}
	gaps := artifacts.Gaps(files)
	if err := p.showChecked(rows, gaps); err != nil {
		return err
	}
	if wrong > 0 {
		return fmt.Errorf("%d of %d files are not what the manifest says", wrong, len(files))
	}
	return nil
}

func (p *program) showChecked(rows []checked, gaps []string) error {
	if p.json {
		return p.printJSON(map[string]any{"files": rows, "gaps": gaps})
	}
	t := p.table("VERSION", "SYSTEM", "COMPONENT", "BYTES", "LINE", "VERDICT")
	for _, r := range rows {
		t.row(r.Version, r.System, r.Component, strconv.FormatInt(r.Size, 10), strconv.Itoa(r.Line), r.Verdict)
	}
	if err := t.flush(); err != nil {
		return err
	}
	for _, gap := range gaps {
		fmt.Fprintln(p.Out, "gap:", gap)
	}
	return nil
}
