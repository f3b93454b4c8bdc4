package app

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
)

// A question is repeated until it is answered, since a reload of the cores
// drops it; an answer that comes twice is told once.
func TestAPreviewIsAskedUntilItIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPreviews()
		asked := 0
		p.offer = func(_ context.Context, event core.Event) error {
			asked++
			q := event.(core.PreviewAsked)
			require.Equal(t, core.PreviewAsked{ID: "1", Pool: "pd/sp", SizeGiB: 7}, q)
			if asked == 3 {
				p.tell(core.TellPreview{ID: "another"})
				p.tell(core.TellPreview{ID: q.ID, Known: []string{"pd/sp"}})
				p.tell(core.TellPreview{ID: q.ID, Problem: "late"})
			}
			return nil
		}
		start := time.Now()
		told, err := p.ask(t.Context(), "pd/sp", 7)
		require.NoError(t, err)
		require.Equal(t, core.TellPreview{ID: "1", Known: []string{"pd/sp"}}, told)
		require.Equal(t, 2*askAgain, time.Since(start))
		require.Empty(t, p.waiting)
	})
}

func TestAPreviewThatNobodyAnswersEndsWithItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPreviews()
		p.offer = func(context.Context, core.Event) error { return nil }
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := p.ask(ctx, "", 0)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Empty(t, p.waiting)
		p.tell(core.TellPreview{ID: "1"}) // nobody waits any more

		stopped := errors.New("the term is over")
		p.offer = func(context.Context, core.Event) error { return stopped }
		_, err = p.ask(t.Context(), "", 0)
		require.ErrorIs(t, err, stopped)
		require.Empty(t, p.waiting)
	})
}
