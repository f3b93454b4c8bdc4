package leader_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"scaleio-framework/leader"
)

func TestALeaseIsTwoThirdsOfTheSession(t *testing.T) {
	began := time.Now()
	l := leader.NewLease(9*time.Second, began)
	require.Equal(t, began.Add(6*time.Second), l.Deadline())
	require.True(t, l.Valid(began.Add(6*time.Second-1)))
	require.False(t, l.Valid(began.Add(6*time.Second)), "the deadline itself is too late")
	require.Equal(t, 1500*time.Millisecond, l.ProbeInterval())
	require.Equal(t, began.Add(27*time.Second), l.GiveUp(began))

	l.Renew(6*time.Second, began.Add(time.Second))
	require.Equal(t, began.Add(5*time.Second), l.Deadline(), "a shorter session granted after a reconnect counts")
	l.Renew(9*time.Second, began)
	require.Equal(t, began.Add(5*time.Second), l.Deadline(), "an earlier request proves nothing new")
}

func TestALeaseNeverOutlivesTheServersCountdown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		session := time.Duration(rapid.Int64Range(1, 40_000).Draw(t, "session ms")) * time.Millisecond
		began := time.Now()
		l := leader.NewLease(session, began)
		latest := began
		for range rapid.IntRange(0, 20).Draw(t, "requests") {
			at := began.Add(time.Duration(rapid.Int64Range(-1000, 100_000).Draw(t, "ms")) * time.Millisecond)
			l.Renew(session, at)
			if at.After(latest) {
				latest = at
			}
			if l.Deadline().After(latest.Add(session)) {
				t.Fatal("valid after the session may have expired")
			}
			if !l.Valid(latest.Add(session / 2)) {
				t.Fatal("lapsed although the session is fresh")
			}
		}
	})
}

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		err  error
		code int
	}{
		{nil, 0},
		{leader.ErrHandedOver, 0},
		{context.Canceled, 0},
		{leader.ErrInvalid, 2},
		{leader.ErrDeposed, 3},
		{leader.ErrExpired, 3},
		{leader.ErrLapsed, 4},
		{leader.ErrRefused, 4},
		{leader.ErrLayout, 6},
		{leader.ErrUnreadable, 6},
		{errors.New("a bug"), 1},
	} {
		if c.err != nil {
			c.err = fmt.Errorf("wrapped: %w", c.err)
		}
		code, remedy := leader.ExitCode(c.err)
		require.Equal(t, c.code, code, "%v", c.err)
		require.NotEmpty(t, remedy)
		require.NotContains(t, remedy, "\n")
	}
}
