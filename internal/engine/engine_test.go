package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/engine"
	"scaleio-framework/internal/zkconn"
	"scaleio-framework/leader"
	"scaleio-framework/leader/leadertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAnEffectFollowsItsRecord(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		l := w.lead(newToy, nil)
		l.offer(t, wished{ID: "a"}, wished{ID: "b"})
		synctest.Wait()
		require.Equal(t, "done", w.state("a"))
		require.Equal(t, map[string]int{"a": 1, "b": 1}, w.thanked)
		require.NoError(t, l.end())
	})
}

// Whatever happens to whichever commit, the end is the same and no effect came
// before its record; the world checks the latter.
func TestEveryFaultOfEveryCommitEndsTheSame(t *testing.T) {
	for _, fault := range []leadertest.Fault{leadertest.LostReply, leadertest.LostRequest, leadertest.Lapse} {
		for at := range 6 {
			t.Run(fmt.Sprintf("fault %d at commit %d", fault, at), func(t *testing.T) {
				bubble(t, func(t *testing.T, w *world) {
					l := w.lead(newToy, func(s *store) {
						s.Inject(func(commit int, _ []leader.Op) leadertest.Fault {
							if commit == at {
								return fault
							}
							return leadertest.None
						})
					})
					l.offer(t, wished{ID: "a"})
					synctest.Wait()
					l.offer(t, wished{ID: "b"})
					synctest.Wait()
					l.offer(t, wished{ID: "a"}, wished{ID: "b"})
					synctest.Wait()
					for _, id := range []string{"a", "b"} {
						require.Equal(t, "done", w.state(id))
						require.NotZero(t, w.thanked[id])
					}
					require.NoError(t, l.end())
				})
			})
		}
	}
}

// A leader that dies at any commit or effect leaves a state from which the
// next one ends where it would have ended.
func TestACrashAnywhereIsTakenOver(t *testing.T) {
	for at := range 8 {
		t.Run(fmt.Sprintf("crash at effect %d", at), func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				performed := 0
				w.onEffect = func(core.Effect) {
					w.mute = performed >= at // dead: what it was about to do is not done
					performed++
				}
				l := w.lead(newToy, nil)
				l.offer(t, wished{ID: "a"}, wished{ID: "b"}, wished{ID: "c"})
				synctest.Wait()
				require.NoError(t, l.end())

				w.mute, w.onEffect = false, nil
				l = w.lead(newToy, nil)
				l.offer(t, wished{ID: "a"}, wished{ID: "b"}, wished{ID: "c"}) // not thanked for, so wished again
				synctest.Wait()
				for _, id := range []string{"a", "b", "c"} {
					require.Equal(t, "done", w.state(id))
					require.NotZero(t, w.thanked[id])
				}
				require.NoError(t, l.end())
			})
		})
	}
}

func TestADeposedLeaderReleasesNothingMore(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		l := w.lead(newToy, nil)
		synctest.Wait()
		w.store.Elect("another", nil)
		l.offer(t, wished{ID: "a"})
		require.ErrorIs(t, <-l.err, leader.ErrDeposed)
		require.Empty(t, w.made)
		require.Empty(t, w.state("a"), "a woken ex-leader commits nothing")
	})
}

// What cannot be stored at all is tried again, but not as fast as possible.
func TestAFailureThatStaysKeepsNobodyBusy(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		attempts := 0
		l := w.lead(newToy, func(s *store) {
			s.refuses = func(leader.Op) error {
				attempts++
				return zkconn.ErrUnknownOutcome
			}
		})
		l.offer(t, wished{ID: "a"})
		time.Sleep(time.Minute)
		require.NoError(t, l.end())
		require.Less(t, attempts, 40)
	})
}

func TestAStateThatCannotBeReadForAWhileIsWaitedFor(t *testing.T) {
	for _, failing := range [][]int{{1}, {2, 3}} {
		bubble(t, func(t *testing.T, w *world) {
			l := w.lead(newToy, func(s *store) {
				reads := 0
				s.unread = func() error {
					if reads++; slices.Contains(failing, reads) {
						return fmt.Errorf("%w: no server answers", leader.ErrSuspended)
					}
					return nil
				}
				s.Inject(func(commit int, _ []leader.Op) leadertest.Fault {
					if commit == 1 {
						return leadertest.LostReply
					}
					return leadertest.None
				})
			})
			l.offer(t, wished{ID: "a"})
			synctest.Wait()
			require.Equal(t, "done", w.state("a"), "a lapse is not a loss")
			require.NoError(t, l.end())
		})
	}
}

func TestAnOrderIsAppliedOnceThoughItsReplyIsLost(t *testing.T) {
	for _, fault := range []leadertest.Fault{leadertest.LostReply, leadertest.LostRequest} {
		bubble(t, func(t *testing.T, w *world) {
			l := w.lead(newToy, nil)
			synctest.Wait()
			path := w.store.Order([]byte("pause"))
			l.store.Script(fault)
			l.offer(t, core.OrderReceived{Path: path, Raw: []byte("pause")})
			synctest.Wait()
			require.NotContains(t, w.store.Tree(), path, "removed in the commit that applies it")
			require.Equal(t, int32(0), w.store.Tree()["/nodes/ordered-pause"].Version, "written once")
			require.Equal(t, []engine.TakenOrder{{Path: path, Data: []byte("pause")}}, l.View().Taken, "and remembered once")
			require.NoError(t, l.end())
		})
	}
}

func TestTheLastOrdersAreRememberedInOrder(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		l := w.lead(newToy, nil)
		synctest.Wait()
		var want []engine.TakenOrder
		for i := range 30 {
			raw := fmt.Appendf(nil, "order%d", i)
			path := w.store.Order(raw)
			want = append(want, engine.TakenOrder{Path: path, Data: raw})
			l.offer(t, core.OrderReceived{Path: path, Raw: raw})
		}
		synctest.Wait()
		require.Equal(t, want[10:], l.View().Taken)
		require.NoError(t, l.end())
	})
}

func TestEachViewIsToldAndNumbered(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		var told atomic.Int64
		s := newStore(w.store.Elect("toy", nil))
		e, err := engine.New(engine.Options{
			Store: s, Cores: newToy, Perform: w.perform, Entropy: func() string { return "entropy" },
			Logger: hclog.NewNullLogger(), Published: func() { told.Add(1) },
		})
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- e.Run(ctx) }()
		synctest.Wait()
		before := told.Load()
		require.Positive(t, before)
		require.EqualValues(t, before, e.View().Number)
		require.NoError(t, e.Offer(ctx, wished{ID: "a"}))
		synctest.Wait()
		require.Greater(t, told.Load(), before)
		require.EqualValues(t, told.Load(), e.View().Number)
		stop()
		require.NoError(t, <-ended)
		require.NoError(t, e.Close(t.Context()))
	})
}

func TestAnOrderThatWasEditedIsAppliedAsItIsNow(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		l := w.lead(newToy, nil)
		synctest.Wait()
		path := w.store.Order([]byte("pause"))
		w.store.Put(path, []byte("resume"))
		l.offer(t, core.OrderReceived{Path: path, Raw: []byte("pause")})
		synctest.Wait()
		require.NotContains(t, w.store.Tree(), path)
		require.NotEmpty(t, w.state("ordered-resume"))
		require.Empty(t, w.state("ordered-pause"))
		require.NoError(t, l.end())
	})
}

// Else whoever ordered it would wait for ever, and each leader would try anew.
func TestAnOrderThatCannotBeStoredIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		l := w.lead(newToy, nil)
		synctest.Wait()
		path := w.store.Order([]byte("a/b")) // its record would have no parent
		l.offer(t, core.OrderReceived{Path: path, Raw: []byte("a/b")}, wished{ID: "b"})
		synctest.Wait()
		require.Equal(t, "done", w.state("b"))
		require.NotContains(t, w.store.Tree(), path)
		refused := leader.PathOrdersRefused + strings.TrimPrefix(path, leader.PathOrders)
		require.Contains(t, string(w.store.Tree()[refused].Data), `"reason"`)
		require.NoError(t, l.end())
	})
}

func TestManyEventsShareCommitsWithinTheLimits(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.mute = true
		l := w.lead(newToy, func(s *store) {
			s.Inject(func(_ int, ops []leader.Op) leadertest.Fault {
				if err := leader.Validate(ops); err != nil {
					t.Errorf("a commit breaks the limits: %s", err)
				}
				return leadertest.None
			})
		})
		synctest.Wait()
		before := l.store.Commits()
		const events, size = 200, 10 << 10
		for i := range events {
			l.offer(t, wished{ID: fmt.Sprintf("t%d", i), Note: strings.Repeat("x", size)})
		}
		synctest.Wait()
		require.Len(t, w.store.Tree(), events+2, "and /version and /epoch")
		require.Less(t, l.store.Commits()-before, events, "they share commits")
		require.NoError(t, l.end())
	})
}

func TestALapsedLeaseHoldsEffectsBack(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		var l *leading
		once := false
		l = w.lead(newToy, func(s *store) {
			s.behind = func() {
				if !once && w.state("a") != "" {
					once = true
					s.lapse() // right behind the commit of the intent
				}
			}
		})
		synctest.Wait()
		w.mu.Lock()
		w.onEffect = func(effect core.Effect) {
			if !l.store.Held() {
				t.Errorf("%s was performed under a lapsed lease", effect)
			}
		}
		w.mu.Unlock()
		l.offer(t, wished{ID: "a"})
		synctest.Wait()
		require.Empty(t, w.made)
		l.store.comeBack()
		synctest.Wait()
		require.Equal(t, "done", w.state("a"))
		require.NoError(t, l.end())
	})
}

func TestOutsideSourcesMeetBackPressure(t *testing.T) {
	e, err := engine.New(engine.Options{
		Store: newStore(leadertest.NewStore().Elect("toy", nil)), Cores: newToy, InboxSize: 2,
		Perform: func(context.Context, core.Effect, func(core.Event)) {},
		Entropy: func() string { return "" }, Logger: hclog.NewNullLogger(),
	})
	require.NoError(t, err)
	require.NoError(t, e.Offer(t.Context(), wished{ID: "a"}))
	require.NoError(t, e.Offer(t.Context(), wished{ID: "b"}))
	full, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, e.Offer(full, wished{ID: "c"}), context.Canceled)
}

func TestNewNamesWhatIsMissing(t *testing.T) {
	_, err := engine.New(engine.Options{})
	require.ErrorContains(t, err, "Store, Cores, Perform, Entropy and Logger are required")
}

// ticking is a core that counts its timer.
type ticking struct{ fired *[]string }

func (ticking) Name() string { return "ticking" }

func (ticking) Load(leader.Snapshot) (map[string]error, error) { return nil, nil }

func (c ticking) Apply(_ time.Time, event core.Event, out *core.Output) {
	switch e := event.(type) {
	case core.TermStarted:
		out.Do(core.Timer{Key: "replaced", After: time.Second}, core.Timer{Key: "replaced", After: 3 * time.Second}, core.Timer{Key: "kept", After: 2 * time.Second})
	case core.TimerFired:
		*c.fired = append(*c.fired, e.Key)
	}
}

func TestATimerFiresOnceAndIsReplacedByItsKey(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		var fired []string
		l := w.lead(func() []core.Core { return []core.Core{ticking{&fired}} }, nil)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		require.NoError(t, l.end())
		require.Equal(t, []string{"kept", "replaced"}, fired)
	})
}

func TestTheFirstCommitTriesTheFence(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		l := w.lead(newToy, func(s *store) { s.Script(leadertest.Deposed) })
		err := <-l.err
		require.True(t, errors.Is(err, leader.ErrDeposed), "%v", err)
	})
}
