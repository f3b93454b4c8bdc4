// Command standin is what scli, systemctl, drv_cfg, the package tools and, on a
// machine, the Mesos agent are in the sandbox: links under those names lead to it. It is a program of its own
// so that it starts in a few milliseconds.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"scaleio-framework/scaleio/scaleiotest"
	"scaleio-framework/scheduler/mesosapi/mesostest/agentunit"
)

func main() {
	code, handled := scaleiotest.Tool(os.Args[0], os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Environ())
	if !handled {
		code, handled = agentunit.Main(os.Args[0], os.Args[1:], os.Environ(), os.Stderr)
	}
	if !handled {
		fmt.Fprintf(os.Stderr, "%s stands in for a program on a sandbox host: run it with %s set to that host's directory\n",
			filepath.Base(os.Args[0]), scaleiotest.RootVariable)
		os.Exit(2)
	}
	os.Exit(code)
}
