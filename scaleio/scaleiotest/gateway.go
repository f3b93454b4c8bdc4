package scaleiotest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Gateway is the REST API of the host with that address. Connections to it are
// aborted while the gateway is not installed and running there.
func (s *System) Gateway(hostIP string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		h := s.hostAt(hostIP)
		up := h != nil && h.installed("gateway") && h.running("scaleio-gateway")
		ready := up && s.serving(h)
		s.mu.Unlock()
		if !up {
			panic(http.ErrAbortHandler)
		}
		c := &call{s: s, h: h, w: w, r: r}
		if !ready {
			c.fail(&Refusal{Text: "The gateway is starting", Status: http.StatusServiceUnavailable})
			return
		}
		c.serve()
	})
}

// call is one request to a gateway, or to a platform.
type call struct {
	s        *System
	h        *host
	platform *Platform // nil for a gateway
	w        http.ResponseWriter
	r        *http.Request
}

// errNoRoute makes a 404.
var errNoRoute = &Refusal{Text: "Not Found", Status: http.StatusNotFound}

func (c *call) serve() {
	path, ok := strings.CutPrefix(c.r.URL.EscapedPath(), "/api/")
	if !ok {
		c.fail(errNoRoute)
		return
	}
	if done := c.open(path); done {
		return
	}
	administrator, err := c.authenticate()
	if err != nil {
		c.fail(err)
		return
	}
	handle := c.route
	if administrator {
		handle = c.administer
	}
	if administrator && path == "getHostCertificate/Mdm" {
		// Plain text, unlike all other answers.
		text, err := c.hostCertificate()
		if err != nil {
			c.fail(err)
			return
		}
		_, _ = io.WriteString(c.w, text)
		return
	}
	answer, err := handle(path)
	if err != nil {
		c.fail(err)
		return
	}
	c.reply(http.StatusOK, answer)
}

// fail answers with an error in the gateway's shape, or breaks the connection
// where that is what happened.
func (c *call) fail(err error) {
	var refusal *Refusal
	switch {
	case errors.Is(err, errNoReply), errors.Is(err, context.Canceled):
		panic(http.ErrAbortHandler)
	case errors.Is(err, errUnauthorized):
		refusal = &Refusal{Text: "Unauthorized", Status: http.StatusUnauthorized}
	case !errors.As(err, &refusal):
		refusal = &Refusal{Text: err.Error(), Status: http.StatusInternalServerError}
	}
	c.reply(refusal.httpStatus(), map[string]any{
		"message": refusal.Text, "httpStatusCode": refusal.httpStatus(), "errorCode": refusal.Code,
	})
}

func (c *call) reply(status int, answer any) {
	body, err := json.Marshal(answer)
	if err != nil {
		panic(fmt.Errorf("scaleio double: answer to %s: %w", c.r.URL.Path, err))
	}
	c.w.Header().Set("Content-Type", "application/json;version="+c.s.version.api())
	c.w.WriteHeader(status)
	_, _ = c.w.Write(body)
}

// body reads the request's JSON object; an empty one is an empty object.
func (c *call) body() (fieldsOf, error) {
	data, err := io.ReadAll(io.LimitReader(c.r.Body, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("reading the request: %w", err)
	}
	if len(strings.TrimSpace(string(data))) == 0 {
		return fieldsOf{}, nil
	}
	dec := json.NewDecoder(strings.NewReader(string(data)))
	dec.UseNumber()
	out := fieldsOf{}
	if err := dec.Decode(&out); err != nil {
		return nil, &Refusal{Text: "Request is not JSON: " + err.Error(), Status: http.StatusBadRequest}
	}
	return out, nil
}

// route sends an authenticated request to what it asks for.
func (c *call) route(path string) (any, error) {
	if c.platform != nil && path == "version" {
		return c.s.version.api(), nil
	}
	if c.platform != nil && path == "types/System/instances" && c.r.Method == http.MethodGet {
		return c.read(OpRead, "System", func() (any, error) { return c.platform.systems(), nil })
	}
	if kind, rest, ok := cutTail(path, "types/"); ok {
		return c.routeType(kind, rest)
	}
	if path == "instances" && c.r.Method == http.MethodGet {
		return c.query(OpRead, "all", func() (any, error) { return c.s.everything(), nil })
	}
	if path == "instances/querySelectedStatistics" {
		return c.selectedOfTypes()
	}
	if object, rest, ok := cutTail(path, "instances/"); ok {
		return c.routeInstance(object, rest)
	}
	if path == "Configuration" && c.r.Method == http.MethodGet {
		return c.query(OpRead, "Configuration", func() (any, error) {
			return map[string]any{"systemId": c.s.systemID, "mdmAddresses": c.s.cluster.managerIPs()}, nil
		})
	}
	return nil, errNoRoute
}

// cutTail splits prefix + first part + "/" + rest.
func cutTail(path, prefix string) (head, rest string, ok bool) {
	tail, ok := strings.CutPrefix(path, prefix)
	if !ok || tail == "" {
		return "", "", false
	}
	head, rest, _ = strings.Cut(tail, "/")
	if plain, err := url.PathUnescape(head); err == nil {
		head = plain
	}
	return head, rest, true
}

func (c *call) routeType(kind, rest string) (any, error) {
	if c.s.lister(kind) == nil {
		return nil, errNoRoute
	}
	switch {
	case rest == "instances" && c.r.Method == http.MethodGet:
		return c.query(OpRead, kind, func() (any, error) { return c.s.list(kind), nil })
	case rest == "instances" && c.r.Method == http.MethodPost:
		return c.create(kind)
	case strings.HasPrefix(rest, "instances/getByName::"):
		name, err := url.PathUnescape(strings.TrimPrefix(rest, "instances/getByName::"))
		if err != nil {
			return nil, errNoRoute
		}
		parent, last, ok := strings.Cut(name, ",")
		if !ok {
			parent, last = "", name
		}
		return c.idByKey(kind, last, parent)
	}
	action, ok := strings.CutPrefix(rest, "instances/action/")
	if !ok {
		return nil, errNoRoute
	}
	return c.typeAction(kind, action)
}

func (c *call) typeAction(kind, action string) (any, error) {
	body, err := c.body()
	if err != nil {
		return nil, err
	}
	switch action {
	case "queryIdByKey":
		return c.idByKey(kind, body.text("name"), body.text("protectionDomainId"))
	case "queryBySelectedIds":
		ids := body.list("ids")
		return c.query(OpRead, kind, func() (any, error) {
			out := []any{}
			for _, id := range ids {
				o, err := c.s.object(kind, id)
				if err != nil {
					return nil, err
				}
				out = append(out, o)
			}
			return out, nil
		})
	case "querySelectedStatistics":
		return c.selected(kind, body)
	}
	return nil, errNoRoute
}

func (c *call) idByKey(kind, name, parent string) (any, error) {
	return c.query(OpRead, kind, func() (any, error) {
		for _, o := range c.s.list(kind) {
			if o["name"] != name || parent != "" && o["protectionDomainId"] != parent {
				continue
			}
			return o["id"], nil
		}
		return nil, notFound(kind)
	})
}

func notFound(kind string) error {
	err := map[string]error{
		"ProtectionDomain": errNoPD, "StoragePool": errNoPool, "FaultSet": errNoFaultSet, "Sds": errNoSDS,
		"Device": errNoDevice, "Volume": errNoVolume, "Sdc": errNoSDC,
	}[kind]
	if err == nil {
		return refuse(3, "Not found")
	}
	return err
}

// query runs a reading under the lock, as an operation that faults can strike.
func (c *call) query(op Op, name string, read func() (any, error)) (any, error) {
	return c.read(op, name, func() (any, error) {
		if !c.reachesMDM() {
			return nil, errMDMGone
		}
		return read()
	})
}

// read is a query that needs no MDM.
func (c *call) read(op Op, name string, read func() (any, error)) (any, error) {
	var answer any
	_, err := c.s.do(c.r.Context(), op, name, func() (string, error) {
		var err error
		answer, err = read()
		return "", err
	})
	return answer, err
}

// effect runs a change as an operation.
func (c *call) effect(op Op, name string, change func() (string, error)) (string, error) {
	return c.s.do(c.r.Context(), op, name, func() (string, error) {
		if !c.reachesMDM() {
			return "", errMDMGone
		}
		return change()
	})
}

// reachesMDM reports whether there is a master behind the door.
func (c *call) reachesMDM() bool {
	if c.platform != nil {
		return c.s.cluster != nil && c.s.cluster.leads()
	}
	return c.s.reachesMDM(c.h)
}

// errMDMGone is what a gateway says that has no MDM to talk to.
var errMDMGone = &Refusal{Text: "Failed to connect to the MDM", Status: http.StatusInternalServerError}
