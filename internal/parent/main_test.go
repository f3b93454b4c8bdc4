package parent_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"

	"scaleio-framework/internal/parent"
	"scaleio-framework/internal/zkconn"
	"scaleio-framework/internal/zkconn/zktest"
	"scaleio-framework/leader"
)

// Where the processes of a test find ZooKeeper: the worker, and its parent.
const (
	workerURL     = "PARENT_TEST_WORKER_ZK"
	workerSession = "PARENT_TEST_WORKER_SESSION"
	parentURL     = "PARENT_TEST_PARENT_ZK"
	parentWithin  = "PARENT_TEST_WITHIN"
	noURL         = "none"
)

// The test binary is also the program under test: a real parent, which starts
// a real worker of itself.
func TestMain(m *testing.M) {
	switch {
	case parent.IsWorker():
		os.Exit(work())
	case os.Getenv(parentURL) != "":
		os.Exit(watch())
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(zktest.Exit))
}

func watch() int {
	opts := parent.Options{VacateWithin: duration(parentWithin), Logger: hclog.New(&hclog.LoggerOptions{Name: "parent", Output: os.Stderr})}
	if url := os.Getenv(parentURL); url != noURL {
		zk, err := zkconn.ParseURL(url)
		if err != nil {
			panic(err)
		}
		opts.ZooKeeper = &zk
	}
	code, line := parent.Run(opts)
	fmt.Println("exit", code, line)
	return code
}

func duration(variable string) time.Duration {
	d, err := time.ParseDuration(os.Getenv(variable))
	if err != nil {
		panic(err)
	}
	return d
}

// work is a scheduler that does nothing but lead, and what its standard input
// says. What happens it says on its standard output.
func work() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	line, err := parent.Attach()
	if err != nil {
		fmt.Println(err)
		return leader.ExitConfig
	}
	code := lead(ctx, line)
	line.Close(code)
	return code
}

func lead(ctx context.Context, line *parent.Line) int {
	zk, err := zkconn.ParseURL(os.Getenv(workerURL))
	if err != nil {
		return leader.ExitConfig
	}
	zk.SessionTimeout = duration(workerSession)
	elector, err := leader.New(leader.Options{Conn: zk, Card: leader.Card{Instance: "worker", PID: os.Getpid()}, Claim: line.Claim, Candidacy: line.Candidacy})
	if err != nil {
		return leader.ExitConfig
	}
	fmt.Println("stands", os.Getpid())
	term, err := elector.Elect(ctx)
	if err != nil {
		return leader.ExitStopped
	}
	fmt.Println("leads")
	go func() {
		for in := bufio.NewReader(os.Stdin); ; {
			order, err := in.ReadString('\n')
			if errors.Is(err, io.EOF) {
				return
			}
			obey(ctx, term, line, strings.TrimSpace(order))
		}
	}()
	select {
	case <-ctx.Done():
		err = term.HandOver(context.WithoutCancel(ctx))
	case <-term.Done():
		err = term.Err()
	}
	code, _ := leader.ExitCode(err)
	return code
}

// obey does what a test asks for.
func obey(ctx context.Context, term *leader.Term, line *parent.Line, order string) {
	var n int
	switch {
	case order == "panic":
		panic("asked to")
	case scan(order, "raise %d", &n):
		fmt.Println("raised", term.RaiseEpoch(ctx, uint64(n)))
	case scan(order, "exit %d", &n): // of its own accord
		line.Close(n)
		os.Exit(n)
	case scan(order, "die %d", &n): // without a word
		os.Exit(n)
	}
}

func scan(order, format string, n *int) bool {
	_, err := fmt.Sscanf(order, format, n)
	return err == nil
}
