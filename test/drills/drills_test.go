package drills_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/sandbox"
	"scaleio-framework/test/programs"
)

var set = flag.String("drills.set", "", "ci: one drill of each kind; all: every drill; empty: a few without bounds")

// Every drill ends as it says, within its bound.
func TestDrills(t *testing.T) {
	list, ok := sets()[*set]
	require.True(t, ok, "no set %q", *set)
	var table strings.Builder
	rows := tabwriter.NewWriter(&table, 0, 4, 2, ' ', 0)
	fmt.Fprintln(rows, "drill\tduring\tmeasured\tseconds\tbound\toutcome")
	for _, how := range list {
		t.Run(how.Name+"-"+string(how.During), func(t *testing.T) {
			var out strings.Builder
			report, err := sandbox.RunDrill(t.Context(), how, sandbox.Options{
				Bin: programs.Dir(t), StandInPackages: true, Out: &out,
			})
			d, outcome := sandbox.DrillReport{}, "ok"
			if report != nil && len(report.Drills) == 1 {
				d = report.Drills[0]
			}
			if err != nil {
				outcome = "FAILED"
			}
			fmt.Fprintf(rows, "%s\t%s\t%s\t%.2f\t%s\t%s\n", how.Name, how.During, d.Measures, d.Seconds, bound(d.BoundS), outcome)
			require.NoError(t, err, "%s", &out)
			require.True(t, report.OK && d.OK && d.FrameworkIDKept, "%+v", d)
		})
	}
	require.NoError(t, rows.Flush())
	fmt.Fprintf(os.Stdout, "\n%s\n", &table)
}

func bound(seconds float64) string {
	if seconds == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f", seconds)
}
