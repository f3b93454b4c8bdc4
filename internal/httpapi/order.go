package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"scaleio-framework/internal/model"
	"scaleio-framework/leader"
)

// maxOrder is the largest body of a verb, in bytes.
const maxOrder = 4 << 10

// orderPoll is how often a verb looks for its outcome.
const orderPoll = 20 * time.Millisecond

// planOrder gives an order about the install plan.
func (s *Server) planOrder(w http.ResponseWriter, r *http.Request, _ Term) {
	verb := model.Verb(r.PathValue("verb"))
	if verb.IsGrowth() {
		fail(w, http.StatusNotFound, "orders about growths go to /v1/growth/"+strings.TrimPrefix(string(verb), growthPrefix))
		return
	}
	s.order(w, r, verb, `{"host":"...","step":"..."}`)
}

// growthPrefix is what the verbs of growths begin with.
const growthPrefix = "growth-"

// growthOrder gives an order about a growth.
func (s *Server) growthOrder(w http.ResponseWriter, r *http.Request, _ Term) {
	s.order(w, r, model.Verb(growthPrefix+r.PathValue("verb")), `{"growth":"..."}, {"pool":"domain/pool","size_gib":0} or {"volume":"..."}`)
}

// order writes an operator's order and waits for what becomes of it. It goes
// through a znode like an order written by hand, so that it survives this
// process.
func (s *Server) order(w http.ResponseWriter, r *http.Request, verb model.Verb, want string) {
	request, err := readOrder(w, r)
	if err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			fail(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is longer than the %d bytes of an order; want %s", large.Limit, want))
			return
		}
		fail(w, http.StatusBadRequest, "the body is not an order: "+err.Error()+"; want "+want)
		return
	}
	order := model.Order{
		Verb: verb, Host: request.Host, Step: request.Step, Growth: request.Growth, Pool: request.Pool,
		SizeGiB: request.SizeGiB, Volume: request.Volume, By: request.By,
		System: request.System, KeepData: request.KeepData, RemoveVolumes: request.RemoveVolumes, At: time.Now().UTC().Round(time.Millisecond),
	}
	data, err := model.Encode(order, nil)
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	if _, err := model.ParseOrder(data); err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	path, err := s.opts.Orders.Submit(r.Context(), data)
	if err != nil {
		fail(w, http.StatusServiceUnavailable, "the order could not be written: "+err.Error()+"; look whether it was taken before you repeat it")
		return
	}
	s.awaitOrder(w, r, path)
}

// readOrder reads the one JSON object of a body; an empty body is an order
// without host and step.
func readOrder(w http.ResponseWriter, r *http.Request) (request OrderRequest, err error) {
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxOrder))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&request); err != nil {
		if errors.Is(err, io.EOF) {
			return request, nil
		}
		return request, err
	}
	switch _, err := dec.Token(); {
	case err == nil:
		return request, errors.New("something follows the object")
	case !errors.Is(err, io.EOF):
		return request, err
	}
	return request, nil
}

func (s *Server) awaitOrder(w http.ResponseWriter, r *http.Request, path string) {
	limit := time.NewTimer(s.opts.OrderWait)
	defer limit.Stop()
	ticker := time.NewTicker(orderPoll)
	defer ticker.Stop()
	for {
		waiting, refused, err := s.opts.Orders.Outcome(r.Context(), path)
		switch {
		case err == nil && refused != "":
			reply(w, http.StatusConflict, OrderAnswer{Order: path, State: "refused", Reason: refused})
			return
		case err == nil && !waiting:
			reply(w, http.StatusOK, OrderAnswer{Order: path, State: "applied"})
			return
		}
		select {
		case <-ticker.C:
		case <-r.Context().Done():
			return
		case <-limit.C:
			reply(w, http.StatusAccepted, OrderAnswer{Order: path, State: "waiting", Reason: "the order is written; a leader will apply it, or say in " + leader.PathOrdersRefused + "/" + path[strings.LastIndexByte(path, '/')+1:] + " why not"})
			return
		}
	}
}
