package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/engine"
	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/internal/redact"
	"scaleio-framework/leader"
	"scaleio-framework/scheduler/mesosapi"
)

func TestEveryEndHasItsExitCodeAndARemedy(t *testing.T) {
	wrap := func(err error) error { return fmt.Errorf("while leading: %w", err) }
	for _, c := range []struct {
		err  error
		code int
		want string
	}{
		{nil, 0, ""},
		{errAbdicated, 0, "nothing to do"},
		{context.Canceled, 0, "nothing to do"},
		{leader.ErrInvalid, 2, "correct the configuration"},
		{leader.ErrDeposed, 3, "the supervisor starts this scheduler again"},
		{leader.ErrExpired, 3, "the supervisor starts this scheduler again"},
		{leader.ErrLapsed, 4, "check its quorum"},
		{leader.ErrRefused, 4, "check the digest user and password"},
		{mesosapi.ErrFrameworkRemoved, 5, "scaleioctl framework reset"},
		{mesosapi.ErrFrameworkTaken, 5, "and stop it"},
		{mesosapi.ErrOtherFramework, 5, "look whether --mesos names the right cluster"},
		{&mesosapi.SubscriptionError{Status: 401, Text: "no", Remedy: "give the right secret"}, 5, "give the right secret"},
		{&engine.UnreadableError{Core: "fleet", Err: errors.New("/framework: not valid JSON")}, 6, "write a good text into the znode with zkCli, mended by hand or copied from an older scaleioctl state dump"},
		{leader.ErrLayout, 6, "start that version or a newer one"},
		{leader.ErrUnreadable, 6, "the named znode with zkCli"},
		{errors.New("surprise"), leader.ExitInternal, "report this with the log"},
	} {
		for _, err := range []error{c.err, wrap(c.err)} {
			if c.err == nil {
				err = nil
			}
			code, line := ExitCode(err)
			require.Equal(t, c.code, code, "%v", err)
			require.Contains(t, line, c.want)
			require.NotContains(t, line, "\n", "one line on stderr")
			require.LessOrEqual(t, strings.Count(line, "leadership lost"), 1, "what happened is told once")
			require.NotContains(t, line, "restore", "there is no such command")
		}
	}
}

func TestACommandCarriesItsSecretsSealed(t *testing.T) {
	key, err := nodeproto.NewKey()
	require.NoError(t, err)
	known := map[string]redact.Secret{"admin": redact.New("Very-Secret7"), "other": redact.New("Not-Asked-For8")}
	command := nodeproto.Command{V: 1, Epoch: 7, Step: "create-cluster", Attempt: 2, Params: json.RawMessage(`{"a":1}`)}

	data, err := sealed(command, key.Public(), []string{"admin"}, known)
	require.NoError(t, err)
	require.NotContains(t, string(data), "Secret7")
	var sent nodeproto.Command
	require.NoError(t, json.Unmarshal(data, &sent))
	opened, err := key.Open(sent.Sealed)
	require.NoError(t, err)
	require.Len(t, opened, 1, "a step gets what it asks for and nothing else")
	require.Equal(t, "Very-Secret7", opened["admin"].Reveal())
	sent.Sealed = nil
	require.Equal(t, command, sent)

	data, err = sealed(command, "no key is needed", nil, known)
	require.NoError(t, err)
	require.NotContains(t, string(data), "sealed")

	_, err = sealed(command, key.Public(), []string{"missing"}, known)
	require.EqualError(t, err, `step create-cluster asks for the secret "missing", which this scheduler does not have`)
	_, err = sealed(command, "garbage", []string{"admin"}, known)
	require.ErrorContains(t, err, "public key")
	command.Params = json.RawMessage(`"` + strings.Repeat("x", nodeproto.MaxData) + `"`)
	_, err = sealed(command, key.Public(), nil, known)
	require.ErrorContains(t, err, "command for create-cluster has ")
}

func TestSourcesAreReadAgainWhenTheyAreOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reads := 0
		s := &sources{read: func(context.Context) []string { reads++; return []string{fmt.Sprint(reads)} }}
		for range 3 {
			require.Equal(t, []string{"1"}, s.get(t.Context()))
		}
		time.Sleep(sourcesLife + time.Millisecond)
		require.Equal(t, []string{"2"}, s.get(t.Context()))
	})
}

// newPerformer makes one on a real term; Mesos is out of reach.
func newPerformer(t *testing.T, r root) *performer {
	t.Helper()
	detector, err := mesosapi.NewDetector("127.0.0.1:1", hclog.NewNullLogger())
	require.NoError(t, err)
	mesos, err := mesosapi.New(mesosapi.Options{Detector: detector, Fence: r.term.Affirm, Name: "n", User: "root", Logger: hclog.NewNullLogger()})
	require.NoError(t, err)
	return &performer{
		term: r.term, mesos: mesos, sources: func(context.Context) []string { return nil },
		fatal: func(err error) { require.NoError(t, err) }, logger: hclog.NewNullLogger(),
	}
}

func TestTheEpochIsRaisedAboveWhatANodeHasSeen(t *testing.T) {
	r := newRoot(t)
	p := newPerformer(t, r)
	none := func(core.Event) { require.Fail(t, "nothing is posted") }
	p.perform(t.Context(), core.RaiseEpoch{Above: 41}, none)
	require.Equal(t, uint64(42), r.term.Epoch())
	p.perform(t.Context(), core.RaiseEpoch{Above: 7}, none)
	require.Equal(t, uint64(42), r.term.Epoch(), "what is higher already stays")

	// Another leads: the term ends instead.
	var ended error
	p.fatal = func(err error) { ended = err }
	_, err := r.conn.Set(t.Context(), leader.PathEpoch, []byte(`{"epoch":43,"instance":"other","url":"http://other:1","since":"2026-03-04T05:06:07Z"}`), -1)
	require.NoError(t, err)
	p.perform(t.Context(), core.RaiseEpoch{Above: 99}, none)
	require.ErrorIs(t, ended, leader.ErrDeposed)
}

// An ended term says that it was handed over, and why: the process ends as on
// an operator's request.
func TestAHandOverEndsTheTerm(t *testing.T) {
	p := newPerformer(t, newRoot(t))
	var ended error
	p.fatal = func(err error) { ended = err }
	p.perform(t.Context(), core.HandOver{Reason: "the host is in use"}, func(core.Event) { require.Fail(t, "nothing is posted") })
	require.ErrorIs(t, ended, leader.ErrHandedOver)
	require.ErrorContains(t, ended, "the host is in use")
	code, _ := ExitCode(ended)
	require.Equal(t, ExitStopped, code)
}

func TestACallThatWasNotTakenIsToldToTheCore(t *testing.T) {
	p := newPerformer(t, newRoot(t))
	for _, c := range []struct {
		effect core.Effect
		told   bool
	}{
		{core.Accept{}, true},
		{core.Revive{}, true},
		{core.Suppress{}, false},
		{core.Decline{}, true},
	} {
		var posted []core.Event
		p.perform(t.Context(), c.effect, func(e core.Event) { posted = append(posted, e) })
		if !c.told {
			require.Empty(t, posted, "%T is asked for again anyway", c.effect)
			continue
		}
		require.Len(t, posted, 1)
		refused := posted[0].(core.CallRefused)
		require.Equal(t, c.effect, refused.Effect)
		require.Contains(t, refused.Err, "not subscribed")
	}
}
