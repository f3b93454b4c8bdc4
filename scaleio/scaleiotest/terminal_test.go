package scaleiotest_test

import (
	"os"

	"golang.org/x/sys/unix"
)

// echoes tells whether a terminal shows what is typed.
func echoes(terminal *os.File) bool {
	state, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
	return err != nil || state.Lflag&unix.ECHO != 0
}
