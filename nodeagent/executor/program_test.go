package executor_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"scaleio-framework/nodeagent/executor"
)

// program is an executor for tests: a task runs when launched and ends when
// killed; "count N" makes N updates, one every 20 ms; other messages go back.
type program struct {
	executor *executor.Executor
	task     string
}

func runProgram() int {
	config, err := executor.ConfigFromEnv(os.Getenv)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	e, err := executor.New(executor.Options{Config: config, Logger: hclog.New(nil)})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	if err := e.Run(context.Background(), &program{executor: e}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 3
	}
	return 0
}

func (p *program) update(state executor.TaskState, text string) {
	if err := p.executor.Update(context.Background(), p.task, state, []byte(text), "as asked"); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

func (p *program) Launch(_ context.Context, task executor.Task) {
	p.task = task.ID
	p.update(executor.Running, "launched")
}

func (p *program) Message(ctx context.Context, data []byte) {
	number, ok := strings.CutPrefix(string(data), "count ")
	if !ok {
		if err := p.executor.Send(ctx, append([]byte("back: "), data...)); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		return
	}
	n, _ := strconv.Atoi(number)
	for i := range n {
		p.update(executor.Running, strconv.Itoa(i))
		time.Sleep(20 * time.Millisecond)
	}
}

func (p *program) Kill(context.Context, string) { p.update(executor.Killed, "killed") }

func (p *program) Shutdown(context.Context) { p.update(executor.Killed, "shut down") }
