// Package runner runs programs of the host for the node agent's steps.
//
//   - It runs argument vectors, never a shell.
//   - A program is looked up in the tools directory first, then on PATH.
//   - Each program gets its own process group. When the context ends or the
//     time is up, the whole group is asked to end, then killed, and Run waits
//     until it is gone. Groups that run are noted in a directory, so that the
//     next node agent ends what a killed one left behind.
//   - A program that ends may leave daemons; they are not touched. Where that
//     is expected, the program is started outside of the control groups in which
//     Mesos kills an executor, and its daemons with it.
//   - Output is captured, bounded to its last 64 KiB, and secrets in it are
//     masked before anyone sees it.
//   - Secrets reach a program by its environment or are typed at a prompt of a
//     pseudo-terminal, never by its arguments.
package runner
