package bootstrap

// queue holds steps that may have become possible, each once, in the order in
// which they came.
type queue struct {
	order []ref
	in    map[ref]bool
}

func newQueue() queue { return queue{in: make(map[ref]bool)} }

func (q *queue) add(r ref) {
	if !q.in[r] {
		q.in[r] = true
		q.order = append(q.order, r)
	}
}

func (q *queue) take() (ref, bool) {
	if len(q.order) == 0 {
		return ref{}, false
	}
	r := q.order[0]
	q.order = q.order[1:]
	delete(q.in, r)
	return r, true
}

func (q *queue) empty() bool { return len(q.order) == 0 }
