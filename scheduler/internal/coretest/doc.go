// Package coretest tests cores as the engine drives them, without an engine:
// stories to read, and random histories to distrust.
//
// World applies events to a set of cores and keeps what they store, in memory,
// with the engine's promises: told events belong to the same unit and are
// applied first in, first out; records are encoded to JSON when they are put;
// a crash throws the cores away and loads new ones from what is stored.
//
// Run plays stories, files of blocks such as
//
//	# A host is offered for the first time.
//	OffersReceived Offers=[{ID=o1 AgentID=S1 Hostname=a CPUs=4 MemoryMB=8192}]
//	----
//	told host a seen
//	stored /nodes/a
//	  hostname = a
//	...
//
// Above the dashes stand commands, one a line; below, up to an empty line, what
// came of them. go test -update rewrites what is below. The commands are
//
//	start                  load the cores and start the first term
//	crash                  load them anew as the next leader does
//	reload                 load them anew as the same leader does (Again)
//	advance DURATION       move the clock, firing the timers that come due
//	store PATH JSON        write a record by hand (before start or a crash)
//	remove PATH            remove a record by hand
//	show PATH              print a record
//	let NAME VALUE         name a text; $NAME or ${NAME} stands for it later
//	NAME FIELD=VALUE ...   apply the event core.NAME
//
// A VALUE is a word, a "quoted text", a JSON value, {FIELD=VALUE ...} for a
// struct or map, [VALUE ...] for a slice, {NAME FIELD=VALUE ...} for an effect
// or event inside an event. Fields of type []byte take a JSON value as it is.
//
// Chaos runs a world against a simulated outside and doubles, delays, reorders
// and crashes as rapid draws.
package coretest
