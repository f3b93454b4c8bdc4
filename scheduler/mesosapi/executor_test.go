package mesosapi_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

type object = map[string]any

// runExecutor is the least executor there can be: a task runs when launched,
// ends when killed, and messages are sent back.
func runExecutor() int {
	call := func(kind string, body object) (*http.Response, error) {
		body["type"] = kind
		body["framework_id"] = object{"value": os.Getenv("MESOS_FRAMEWORK_ID")}
		body["executor_id"] = object{"value": os.Getenv("MESOS_EXECUTOR_ID")}
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		return http.Post("http://"+os.Getenv("MESOS_AGENT_ENDPOINT")+"/api/v1/executor", "application/json", bytes.NewReader(text))
	}
	update := func(task, state string) {
		id := uuid.New()
		res, err := call("UPDATE", object{"update": object{"status": object{
			"task_id": object{"value": task}, "state": state, "source": "SOURCE_EXECUTOR", "uuid": id[:],
			"data": []byte(strings.Join(os.Args, " ") + " PURPOSE=" + os.Getenv("PURPOSE")),
		}}})
		if err == nil {
			_ = res.Body.Close()
		}
	}
	res, err := call("SUBSCRIBE", object{"subscribe": object{}})
	if err != nil || res.StatusCode != http.StatusOK {
		fmt.Fprintln(os.Stderr, "subscribe:", res, err)
		return 1
	}
	defer res.Body.Close()
	for in := bufio.NewReader(res.Body); ; {
		size, err := in.ReadString('\n')
		if err != nil {
			return 0
		}
		n, err := strconv.Atoi(strings.TrimSpace(size))
		if err != nil {
			return 1
		}
		record := make([]byte, n)
		if _, err := io.ReadFull(in, record); err != nil {
			return 1
		}
		var event struct {
			Type   string
			Launch struct {
				Task struct {
					TaskID struct{ Value string } `json:"task_id"`
				}
			}
			Kill struct {
				TaskID struct{ Value string } `json:"task_id"`
			}
			Message struct{ Data []byte }
		}
		if err := json.Unmarshal(record, &event); err != nil {
			return 1
		}
		switch event.Type {
		case "LAUNCH":
			update(event.Launch.Task.TaskID.Value, "TASK_RUNNING")
		case "KILL":
			update(event.Kill.TaskID.Value, "TASK_KILLED")
		case "MESSAGE":
			if res, err := call("MESSAGE", object{"message": object{"data": append([]byte("back: "), event.Message.Data...)}}); err == nil {
				_ = res.Body.Close()
			}
		case "SHUTDOWN":
			return 0
		}
	}
}
