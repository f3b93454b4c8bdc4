package executor

import (
	"fmt"
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/executor"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"scaleio-framework/internal/recordio"
)

// Whatever agents are told, lose and acknowledge: an update is kept until it
// is acknowledged, and those that are kept stay in the order of their making.
func TestTheLedgerKeepsWhatIsNotAcknowledged(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, made := newLedger(), 0
		open := []string{}
		t.Repeat(map[string]func(*rapid.T){
			"update": func(*rapid.T) {
				made++
				id := fmt.Sprintf("%016d", made)
				l.add(mesos.TaskStatus{TaskID: mesos.TaskID{Value: "t"}, UUID: []byte(id)})
				open = append(open, id)
			},
			"tell": func(t *rapid.T) {
				update, some := l.next()
				if !some {
					t.Skip("all told")
				}
				l.told(update)
			},
			"acknowledge": func(t *rapid.T) {
				if len(open) == 0 {
					t.Skip("none open")
				}
				i := rapid.IntRange(0, len(open)-1).Draw(t, "which")
				l.acknowledged("t", []byte(open[i]))
				open = append(open[:i:i], open[i+1:]...)
			},
			"restart": func(*rapid.T) { l.untold() },
			"launch":  func(*rapid.T) { l.launched(mesos.TaskInfo{TaskID: mesos.TaskID{Value: "u"}}) },
			"": func(t *rapid.T) {
				tasks, updates := l.open()
				require.LessOrEqual(t, len(tasks), 1, "a task is launched once")
				ids := []string{}
				for _, u := range updates {
					ids = append(ids, string(u.Status.UUID))
				}
				require.Equal(t, open, ids)
				require.Equal(t, len(open) == 0, l.empty())
			},
		})
	})
}

func FuzzEvent(f *testing.F) {
	f.Add([]byte{0x08, 0x01, 0xfa, 0x07, 0xf4, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f})
	for _, e := range []executor.Event{
		{Type: executor.Event_SHUTDOWN},
		{Type: executor.Event_LAUNCH, Launch: &executor.Event_Launch{Task: mesos.TaskInfo{TaskID: mesos.TaskID{Value: "t"}}}},
		{Type: executor.Event_MESSAGE, Message: &executor.Event_Message{Data: []byte("x")}},
	} {
		data, err := e.Marshal()
		require.NoError(f, err)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var event executor.Event
		if err := recordio.Decode(data, &event); err != nil {
			require.ErrorIs(t, err, recordio.ErrMalformed)
		}
	})
}
