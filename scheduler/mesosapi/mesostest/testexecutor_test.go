package mesostest_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/executor"
	"github.com/mesos/mesos-go/api/v1/lib/recordio"
)

// testExecutor obeys messages: "exit N", "status DATA" (a TASK_RUNNING update with that data), anything else is echoed. It
// speaks protobuf, subscribes again after an EOF, and dies when the agent stays away for MESOS_RECOVERY_TIMEOUT.
type testExecutor struct {
	url       string
	framework string
	id        string
	tasks     map[string]mesos.TaskInfo
	updates   map[string]executor.Call_Update
	last      string
}

func executorMain() int {
	if os.Getenv("MESOSTEST_EXECUTOR") == "exit3" {
		return 3
	}
	e := &testExecutor{
		url:       "http://" + os.Getenv("MESOS_AGENT_ENDPOINT") + "/api/v1/executor",
		framework: os.Getenv("MESOS_FRAMEWORK_ID"), id: os.Getenv("MESOS_EXECUTOR_ID"),
		tasks: map[string]mesos.TaskInfo{}, updates: map[string]executor.Call_Update{},
	}
	fmt.Println("executor starts", strings.Join(os.Args, " "))
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		if code, ended := e.stream(); ended {
			return code
		}
		time.Sleep(20 * time.Millisecond)
	}
	return 4
}

func (e *testExecutor) post(call *executor.Call) (*http.Response, error) {
	call.FrameworkID.Value, call.ExecutorID.Value = e.framework, e.id
	body, err := call.Marshal()
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequest(http.MethodPost, e.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-protobuf")
	request.Header.Set("Accept", "application/x-protobuf")
	return http.DefaultClient.Do(request)
}

func (e *testExecutor) stream() (code int, ended bool) {
	subscribe := &executor.Call_Subscribe{}
	for _, task := range e.tasks {
		subscribe.UnacknowledgedTasks = append(subscribe.UnacknowledgedTasks, task)
	}
	for _, update := range e.updates {
		subscribe.UnacknowledgedUpdates = append(subscribe.UnacknowledgedUpdates, update)
	}
	response, err := e.post(&executor.Call{Type: executor.Call_SUBSCRIBE, Subscribe: subscribe})
	if err != nil {
		return 0, false
	}
	defer response.Body.Close()
	reader := recordio.NewReader(response.Body)
	for {
		frame, err := reader.ReadFrame()
		if err != nil {
			return 0, false
		}
		event := &executor.Event{}
		if err := event.Unmarshal(frame); err != nil {
			return 5, true
		}
		if code, ended := e.handle(event); ended {
			return code, true
		}
	}
}

func (e *testExecutor) handle(event *executor.Event) (code int, ended bool) {
	switch event.Type {
	case executor.Event_LAUNCH:
		task := event.Launch.Task
		e.last, e.tasks[task.TaskID.Value] = task.TaskID.Value, task
		e.update(task.TaskID.Value, mesos.TASK_STARTING, "")
		e.update(task.TaskID.Value, mesos.TASK_RUNNING, string(task.Data))
	case executor.Event_ACKNOWLEDGED:
		delete(e.tasks, event.Acknowledged.TaskID.Value)
		delete(e.updates, string(event.Acknowledged.UUID))
	case executor.Event_KILL:
		e.update(event.Kill.TaskID.Value, mesos.TASK_KILLED, "")
	case executor.Event_SHUTDOWN:
		return 0, os.Getenv("MESOSTEST_EXECUTOR") != "stubborn"
	case executor.Event_MESSAGE:
		verb, rest, _ := strings.Cut(string(event.Message.Data), " ")
		switch verb {
		case "exit":
			code, _ = strconv.Atoi(rest)
			return code, true
		case "status":
			e.update(e.last, mesos.TASK_RUNNING, rest)
		default:
			call := &executor.Call{Type: executor.Call_MESSAGE, Message: &executor.Call_Message{Data: event.Message.Data}}
			if response, err := e.post(call); err == nil {
				response.Body.Close()
			}
		}
	}
	return 0, false
}

func (e *testExecutor) update(task string, state mesos.TaskState, data string) {
	id := uuid.New()
	update := executor.Call_Update{Status: mesos.TaskStatus{
		TaskID: mesos.TaskID{Value: task}, State: state.Enum(), Source: mesos.SOURCE_EXECUTOR.Enum(), UUID: id[:], Data: []byte(data),
	}}
	e.updates[string(id[:])] = update
	if response, err := e.post(&executor.Call{Type: executor.Call_UPDATE, Update: &update}); err == nil {
		response.Body.Close()
	}
}
