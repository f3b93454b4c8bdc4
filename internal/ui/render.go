package ui

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"time"

	"scaleio-framework/internal/model"
)

//go:embed page.html
var pageText string

//go:embed static/style.css static/live.js
var static embed.FS

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"time":    func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") },
	"percent": func(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) },
	"done":    func(counts map[model.SlotState]int) int { return counts[model.SlotDone] },
}).Parse(pageText))

// policy allows what the page itself needs: its style, its script, and to ask
// the server that it came from. Nothing inline, nothing from elsewhere.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Write answers with the page.
func Write(w http.ResponseWriter, code int, p Page) error {
	var out bytes.Buffer
	if err := page.Execute(&out, p); err != nil {
		return fmt.Errorf("draw the page: %w", err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = w.Write(out.Bytes()) // a client that is gone is no concern of ours
	return nil
}

// Static serves the style and the script below /ui/static/.
func Static() http.Handler { return http.StripPrefix("/ui/", http.FileServerFS(static)) }
