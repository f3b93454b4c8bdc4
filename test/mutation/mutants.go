package main

// mutants are the rules of docs/design/safety.md, broken one after the other.
var mutants = []mutant{
	{
		"R1", "no-fence", "commits check no version of `/epoch`",
		[]edit{{"leader/term.go", "return zkconn.CheckOp(PathEpoch, t.fence)", "return zkconn.CheckOp(PathEpoch, -1)"}},
		elections,
	},
	{
		"R1", "code-only", "a failed multi is judged by its code, not by the operation that failed",
		[]edit{{"leader/term.go", "case errors.As(err, &failed) && failed.Op.Path == PathEpoch:", "case errors.As(err, &failed):"}},
		elections,
	},
	{
		"R1", "no-sync", "a candidate looks without `sync` what became of its electing multi",
		[]edit{{"leader/campaign.go", "if err := c.conn.Sync(ctx); err != nil {", "if err := ctx.Err(); err != nil {"}},
		elections,
	},
	{
		"R1", "no-version", "the electing multi sets `/epoch` at any version",
		[]edit{{"leader/campaign.go", "record.succeed(next, c.card, began), fence))", "record.succeed(next, c.card, began), min(fence, -1)))"}},
		elections,
	},
	{
		"R1", "same-epoch", "an election does not raise the epoch",
		[]edit{{"leader/campaign.go", "next := record.epoch + 1", "next := max(record.epoch, 1)"}},
		elections,
	},
	{
		"R1", "lost-is-lost", "a commit without an answer is taken for one that was not applied",
		[]edit{{"leader/commit.go", "	case errors.Is(err, zkconn.ErrUnknownOutcome):\n		t.mu.Lock()\n		t.unsettled = true\n		t.mu.Unlock()\n", "	case errors.Is(err, zkconn.ErrUnknownOutcome):\n		err = ErrSuspended\n"}},
		elections,
	},
	{
		"R2", "from-answer", "the lease is counted from the answer, not from the request",
		[]edit{
			{"leader/recover.go", "	t.renew(began)\n", "	t.renew(time.Now())\n"},
			{"leader/recover.go", "	began := time.Now()\n", ""},
		},
		elections,
	},
	{
		"R2", "whole-session", "the lease lasts for four thirds of a session",
		[]edit{{"leader/lease.go", "leaseNumerator, leaseDenominator = 2, 3", "leaseNumerator, leaseDenominator = 4, 3"}},
		elections,
	},
	{
		"R2", "no-lapse", "the lease never lapses",
		[]edit{{"leader/lease.go", "{ return now.Before(l.Deadline()) }", "{ return true }"}},
		elections,
	},
	{
		"R2", "by-a-read", "the lease is renewed by a read, which needs no quorum",
		[]edit{{"leader/recover.go", "if _, err := t.conn.Multi(ctx, t.fenceCheck()); err != nil {", "if _, _, err := t.conn.Get(ctx, PathEpoch); err != nil {"}},
		elections,
	},
	{
		"R3", "effect-first", "effects are released before their intent is committed",
		[]edit{
			{"internal/engine/commit.go", "	ops := e.operations(changes)\n	if len(ops) == 0 {", "	for _, u := range group {\n		e.release(ctx, u.effects)\n	}\n	ops := e.operations(changes)\n	if len(ops) == 0 {"},
			{"internal/engine/commit.go", "		e.remember(ops, results)\n	}\n	for _, u := range group {\n		e.release(ctx, u.effects)\n	}\n", "		e.remember(ops, results)\n	}\n"},
		},
		site,
	},
	{
		"R3", "from-flags", "a volume is requested with the type that the leader's flags say, not with that of the intent",
		[]edit{{"storagegrowth/live.go", "		call.Request = w.s.Request\n", "		call.Request = w.s.Request\n		call.Request.Type = w.options.Policy.VolumeType\n"}},
		growths,
	},
	{
		"R4", "ack-first", "updates are acknowledged before they are committed",
		[]edit{{"internal/engine/commit.go", "	ops := e.operations(changes)\n	if len(ops) == 0 {", "	for _, u := range group {\n		for _, effect := range u.effects {\n			if _, acknowledges := effect.(core.Acknowledge); acknowledges {\n				e.release(ctx, []core.Effect{effect})\n			}\n		}\n	}\n	ops := e.operations(changes)\n	if len(ops) == 0 {"}},
		site,
	},
	{
		"R4", "no-ack", "an update that says nothing new is not acknowledged",
		[]edit{{"scheduler/fleet/updates.go", "	t.takeStatus(e)\n	t.acknowledge(e)\n", "	before := len(t.out.Changes)\n	t.takeStatus(e)\n	if len(t.out.Changes) > before {\n		t.acknowledge(e)\n	}\n"}},
		site,
	},
	{
		"R5", "random-token", "the token of a volume is drawn for each request, not taken from the intent",
		[]edit{{"storagegrowth/create.go", "	if w.hostUp() {\n		w.cloud(core.CloudCreate)\n", "	if w.hostUp() {\n		w.s.Request.Token = token(w.uuid, w.now.String(), w.s.Index)\n		w.changed()\n		w.cloud(core.CloudCreate)\n"}},
		site,
	},
	{
		"R5", "same-attempt", "another attempt of a step goes under the number of the last one",
		[]edit{{"scheduler/bootstrap/start.go", "	step.Attempt++\n", "	step.Attempt = max(step.Attempt, 1)\n"}},
		site,
	},
	{
		"R5", "same-after-failure", "an attempt that follows a failure goes under its number",
		[]edit{{"scheduler/bootstrap/start.go", "	step.Attempt++\n", "	if step.Failures == 0 {\n		step.Attempt++\n	}\n"}},
		site,
	},
	{
		"R6", "any-epoch", "a node agent takes commands of every epoch",
		[]edit{{"nodeagent/command.go", "if highest := a.journal.Epoch(); c.Epoch < highest {", "if highest := uint64(0); c.Epoch < highest {"}},
		nodes,
	},
	{
		"R6", "epoch-forgotten", "a node agent does not remember the epoch of a command",
		[]edit{{"nodeagent/command.go", "if err := a.journal.RaiseEpoch(c.Epoch); err != nil {", "if err := a.journal.RaiseEpoch(0); err != nil {"}},
		nodes,
	},
	{
		"R6", "raised-for-nothing", "any refusal of an old epoch raises the epoch",
		[]edit{{"scheduler/fleet/reports.go", "nodeproto.StaleEpoch && envelope.Epoch > t.epoch {", "nodeproto.StaleEpoch {"}},
		site,
	},
	{
		"R7", "new-id", "each term draws a framework id of its own",
		[]edit{{"scheduler/fleet/subscription.go", "	if t.framework == nil {\n		t.framework = &model.Framework{ID: e.Entropy", "	if t.framework == nil || !e.Again {\n		t.framework = &model.Framework{ID: e.Entropy"}},
		site,
	},
	{
		"R7", "id-unstored", "the framework id is used and not stored",
		[]edit{{"scheduler/fleet/subscription.go", "		t.out.Put(frameworkPath, t.framework)\n	}\n	t.out.Do(core.Subscribe", "	}\n	t.out.Do(core.Subscribe"}},
		site,
	},
	{
		"R8", "unread-is-zero", "a pool whose figures contradict each other is taken at its word",
		[]edit{{"storagegrowth/reading.go", "	switch {\n	case p.Implausible != \"\":\n		return errors.New(p.Implausible)\n", "	if p.LimitKiB >= 0 {\n		return nil\n	}\n	switch {\n	case p.Implausible != \"\":\n		return errors.New(p.Implausible)\n"}},
		site,
	},
	{
		"R10", "no-tombstone", "a node agent that is told to cancel what it has not seen journals nothing",
		[]edit{{"nodeagent/command.go", "State: journal.Cancelled}\n	if err := a.overtake(entry); err != nil {\n		return err\n	}\n", "State: journal.Cancelled}\n"}},
		nodes,
	},
	{
		"R10", "forced-unsent", "a step that an operator forces complete is sent to be run, not to be cancelled",
		[]edit{{"scheduler/bootstrap/start.go", "		command.Command.Kind, command.Secrets = nodeproto.Cancel, nil\n", "		command.Secrets = nil\n"}},
		plans,
	},
	{
		"R10", "forced-at-once", "a step that runs is forced complete without a tombstone",
		[]edit{{"scheduler/bootstrap/orders.go", "	if step.State != model.Running {\n		t.complete(at, step)\n		return nil\n	}\n", "	if at.key != \"\" {\n		t.complete(at, step)\n		return nil\n	}\n"}},
		site,
	},
	{
		"R10", "attach-again", "a volume with a detach intent is attached again",
		[]edit{
			{"storagegrowth/attach.go", "	switch {\n	case w.s.Detaching:\n		w.rollBack(true, w.s.Error)\n	case v.State == \"error\"", "	w.s.Detaching = false\n	switch {\n	case v.State == \"error\""},
		},
		site,
	},
	{
		"R10", "same-slot", "what stands in for a removed volume bears its identity",
		[]edit{{"storagegrowth/identity.go", "	r.Token = token(uuid, growth, index)\n	return r\n", "	return r\n"}},
		site,
	},
	{
		"steps", "stuck-again", "a step that is stuck begins again without an order",
		[]edit{{"scheduler/bootstrap/start.go", "	case model.Pending, model.Failed:\n		if t.ready(", "	case model.Pending, model.Failed, model.Stuck:\n		if t.ready("}},
		site,
	},
	{
		"steps", "uncounted", "failures are not counted",
		[]edit{{"scheduler/bootstrap/outcome.go", "		step.State = model.Failed\n		step.Failures++\n", "		step.State = model.Failed\n"}},
		site,
	},
	{
		"steps", "at-once", "a step that failed is tried again without a back-off",
		[]edit{{"scheduler/bootstrap/outcome.go", "	notBefore := t.now.Add(backoff(t.options.RetryBackoff, t.options.RetryBackoffMax, count))\n	step.Error, step.NotBefore = nodeproto.Shorten(out.err), &notBefore\n", "	_ = count\n	step.Error = nodeproto.Shorten(out.err)\n"}},
		site,
	},
	{
		"orders", "twice", "an order whose commit was not answered is applied once more",
		[]edit{{"internal/engine/commit.go", "			if !there {\n				e.take(", "			if !there {\n				kept = append(kept, p)\n				continue\n			}\n			if !there {\n				e.take("}},
		site,
	},
	{
		"orders", "lost", "an order that cannot be applied vanishes",
		[]edit{{"scheduler/bootstrap/orders.go", "	if err != nil {\n		t.refuse(name, e.Raw, err)\n	}\n", "	_ = err\n"}},
		site,
	},
	{
		"orders", "unpaused", "steps begin while the plan is paused",
		[]edit{{"scheduler/bootstrap/start.go", "	if t.cluster.Paused || s.removal", "	if s.removal"}},
		site,
	},
	{
		"orders", "unapproved", "a growth begins without the approval that its policy wants",
		[]edit{{"storagegrowth/open.go", "		if policy.Approval == ApprovalManual && approvedBy == \"\" {", "		if policy.Approval == ApprovalManual && approvedBy != \"\" {"}},
		site,
	},
}
