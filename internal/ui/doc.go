// Package ui draws the page that schedulers show to operators: what is wrong
// and what to do first, then the plan, the pools and their growths. It is made
// from what is committed, needs nothing from elsewhere, and changes nothing: for
// what can be done it names the command.
package ui
