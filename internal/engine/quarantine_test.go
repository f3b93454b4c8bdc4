package engine_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/engine"
	"scaleio-framework/internal/zkconn"
	"scaleio-framework/leader"
)

func TestAHandEditIsTakenOver(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		l := w.lead(newToy, nil)
		w.mute = true
		l.offer(t, wished{ID: "a"})
		synctest.Wait()
		w.store.Put("/nodes/a", []byte(`{"state":"open","note":"edited by hand"}`))
		w.mute = false
		l.offer(t, made{ID: "a"})
		synctest.Wait()
		require.Equal(t, "done", w.state("a"))
		require.Contains(t, string(w.store.Tree()["/nodes/a"].Data), "edited by hand")
		require.NoError(t, l.end())
	})
}

// What somebody added to a record stays in it, however often the leader writes
// the record afterwards, and although it wrote it often before.
func TestAFieldThatNobodyKnowsIsKept(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		l := w.lead(newToy, nil)
		write := func(note string) {
			l.offer(t, core.TaskUpdated{TaskID: "a", UUID: []byte(note), Data: []byte(note)})
			synctest.Wait()
			require.Contains(t, string(w.store.Tree()["/nodes/a"].Data), note)
		}
		write("first")
		write("second")
		w.store.Put("/nodes/a", []byte(`{"state":"open","remark":"by hand"}`))
		for _, note := range []string{"third", "fourth", "fifth"} {
			write(note)
			require.Contains(t, string(w.store.Tree()["/nodes/a"].Data), "by hand")
		}
		require.NoError(t, l.end())
	})
}

// Somebody edits one record again and again: it is left alone, the others go
// on, and the view says so.
func TestARecordThatConflictsTwiceIsQuarantined(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		var edits int
		w.mute = true
		l := w.lead(newToy, func(s *store) {
			s.onCommit = func(ops []leader.Op) {
				for _, op := range ops {
					if op.Path == "/nodes/a" && op.Kind == leader.KindSet {
						edits++
						w.store.Put("/nodes/a", fmt.Appendf(nil, `{"state":"edit %d"}`, edits))
					}
				}
			}
		})
		l.offer(t, wished{ID: "a"})
		synctest.Wait()
		w.mu.Lock()
		w.mute = false
		w.mu.Unlock()
		l.offer(t, made{ID: "a"}, wished{ID: "b"})
		synctest.Wait()
		require.Equal(t, "done", w.state("b"), "the others go on")
		require.Equal(t, 2, edits)
		require.Equal(t, "edit 2", w.state("a"), "theirs stays")
		require.Contains(t, l.View().Unreadable["/nodes/a"], "edited outside")
		require.NoError(t, l.end())
	})
}

func TestAnUnreadableRecordIsLeftAlone(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.store.Put("/nodes/broken", []byte(`{"state":`))
		l := w.lead(newToy, nil)
		l.offer(t, wished{ID: "a"})
		synctest.Wait()
		require.Equal(t, "done", w.state("a"))
		require.Contains(t, l.View().Unreadable, "/nodes/broken")
		require.NoError(t, l.end())
		require.Equal(t, `{"state":`, string(w.store.Tree()["/nodes/broken"].Data), "what cannot be read is not written")
	})
}

func TestAnUnreadableFoundationStopsTheScheduler(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.store.Put("/cluster", []byte("nonsense"))
		l := w.lead(newToy, nil)
		var unreadable *engine.UnreadableError
		require.ErrorAs(t, <-l.err, &unreadable)
		require.ErrorContains(t, unreadable, "/cluster is not JSON")
	})
}

func TestAnEventThatCannotBeStoredIsSetAsideAndAcknowledged(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		l := w.lead(newToy, nil)
		huge := core.TaskUpdated{TaskID: "huge", UUID: []byte("1"), Data: bytes.Repeat([]byte("x"), 70<<10)}
		l.offer(t, wished{ID: "a"}, huge, wished{ID: "b"})
		synctest.Wait()
		require.Equal(t, []string{"huge"}, w.acked, "else it would block its task for ever")
		require.Equal(t, "done", w.state("a"))
		require.Equal(t, "done", w.state("b"))
		var poison []string
		for path, entry := range w.store.Tree() {
			if strings.HasPrefix(path, leader.PathOrdersRefused+"/poison-") {
				poison = append(poison, string(entry.Data))
			}
		}
		require.Len(t, poison, 1)
		require.Contains(t, poison[0], "larger than 65536")
		require.NoError(t, l.end())
	})
}

// An operator who clears the list of refused orders may remove the list itself.
func TestAnEventThatCannotBeRecordedAnywhereDoesNotStopTheOthers(t *testing.T) {
	for _, c := range []struct {
		says    string
		refuses func(leader.Op) bool
	}{
		{"the place of the record is gone", func(leader.Op) bool { return false }},
		{"the place of the record is locked", func(op leader.Op) bool { return strings.HasPrefix(op.Path, leader.PathOrdersRefused) }},
	} {
		t.Run(c.says, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				l := w.lead(newToy, func(s *store) {
					s.refuses = func(op leader.Op) error {
						if c.refuses(op) {
							return zkconn.ErrNoAuth
						}
						return nil
					}
				})
				w.store.Remove(leader.PathOrdersRefused)
				l.offer(t, core.TaskUpdated{TaskID: "huge", UUID: []byte("1"), Data: bytes.Repeat([]byte("x"), 70<<10)}, wished{ID: "b"})
				synctest.Wait()
				require.Equal(t, "done", w.state("b"))
				require.Equal(t, []string{"huge"}, w.acked)
				require.NoError(t, l.end())
			})
		})
	}
}
