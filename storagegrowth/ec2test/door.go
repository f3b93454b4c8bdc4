package ec2test

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// maxBody is the longest request that is read.
const maxBody = 1 << 20

// action is one action of the EC2 API: the parameters it knows and what it does.
type action struct {
	parameters []string
	// run does it on the settled account. changed tells whether anything did.
	run func(c *Cloud, q query) (answer reply, changed bool, refused *Refusal)
}

var actions = map[string]action{
	"CreateVolume": {
		[]string{"AvailabilityZone", "ClientToken", "Encrypted", "Iops", "KmsKeyId", "Size", "TagSpecification", "Throughput", "VolumeType"},
		(*Cloud).createVolume,
	},
	"DescribeVolumes":           {[]string{"Filter", "MaxResults", "NextToken", "VolumeId"}, (*Cloud).describeVolumes},
	"DeleteVolume":              {[]string{"VolumeId"}, (*Cloud).deleteVolume},
	"ModifyVolume":              {[]string{"VolumeId", "Size", "Iops", "Throughput", "VolumeType"}, (*Cloud).modifyVolume},
	"AttachVolume":              {[]string{"Device", "InstanceId", "VolumeId"}, (*Cloud).attachVolume},
	"DetachVolume":              {[]string{"Device", "Force", "InstanceId", "VolumeId"}, (*Cloud).detachVolume},
	"CreateTags":                {[]string{"ResourceId", "Tag"}, (*Cloud).createTags},
	"DescribeInstances":         {[]string{"Filter", "InstanceId", "MaxResults", "NextToken"}, (*Cloud).describeInstances},
	"DescribeInstanceTypes":     {[]string{"Filter", "InstanceType", "MaxResults", "NextToken"}, (*Cloud).describeInstanceTypes},
	"ModifyInstanceAttribute":   {[]string{"BlockDeviceMapping", "InstanceId"}, (*Cloud).modifyInstanceAttribute},
	"DescribeAvailabilityZones": {[]string{"ZoneName"}, (*Cloud).describeAvailabilityZones},
}

// EC2 is the endpoint of the EC2 API.
func (c *Cloud) EC2() http.Handler { return http.HandlerFunc(c.serveEC2) }

func (c *Cloud) serveEC2(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := r.ParseForm(); err != nil {
		c.refuse(w, invalid("MalformedQueryString", "The query string is malformed"))
		return
	}
	q, refused := parseQuery(r.Form)
	if refused == nil {
		refused = c.authenticate(r.Header.Get("Authorization"))
	}
	if refused != nil {
		c.refuse(w, refused)
		return
	}

	c.mu.Lock()
	c.count(q.action).Calls++
	fault := c.faultFor(q)
	c.mu.Unlock()

	if !fault.After {
		if refused := c.strike(fault); refused != nil {
			c.refuseAction(w, q, refused)
			return
		}
	}
	answer, refused := c.perform(q, fault)
	if fault.After {
		if r := c.strike(fault); r != nil {
			answer, refused = nil, r
		}
	}
	if refused != nil {
		c.refuseAction(w, q, refused)
		return
	}
	c.answer(w, q.action, answer)
}

// strike lets a fault happen. A dropped connection does not return.
func (c *Cloud) strike(f Fault) *Refusal {
	if f.Delay > 0 {
		hold := time.NewTimer(f.Delay)
		defer hold.Stop()
		select {
		case <-hold.C:
		case <-c.doors.closed:
		}
	}
	if f.Do != nil {
		f.Do()
	}
	if f.Drop {
		panic(http.ErrAbortHandler)
	}
	return f.refusal()
}

// perform runs an action in a turn of its own.
func (c *Cloud) perform(q query, f Fault) (answer reply, refused *Refusal) {
	c.change(func() {
		a, ok := actions[q.action]
		if !ok {
			refused = invalid("InvalidAction", "The action %s is not valid for this web service", q.action)
			return
		}
		if refused = q.known(a.parameters); refused != nil {
			return
		}
		if refused = c.permit(q); refused != nil {
			return
		}
		var changed bool
		if answer, changed, refused = a.run(c, q); refused != nil {
			return
		}
		if changed {
			c.count(q.action).Effects++
			c.spoil(q, f)
		}
	})
	return answer, refused
}

// spoil makes an accepted creation fail later, or an attachment stick.
func (c *Cloud) spoil(q query, f Fault) {
	switch {
	case q.action == "AttachVolume" && f.Stick:
		c.volumes[q.get("VolumeId")].att.stuck = true
	case q.action == "CreateVolume" && f.Fail != "":
		if t := c.tokens[q.get("ClientToken")]; t != nil {
			c.volumes[t.volume].fails = f.Fail
		}
	}
}

// permit refuses what the role may not do, and dry runs of what it may.
func (c *Cloud) permit(q query) *Refusal {
	needs := []string{q.action}
	if q.action == "CreateVolume" && len(q.indices("TagSpecification")) > 0 {
		needs = append(needs, "CreateTags")
	}
	for _, a := range needs {
		if c.denied[a] {
			return &Refusal{
				Code: "UnauthorizedOperation", Status: http.StatusForbidden,
				Message: "You are not authorized to perform this operation. User: arn:aws:sts::123456789012:assumed-role/scaleio/i-1 is not authorized to perform: ec2:" + a +
					" because no identity-based policy allows the ec2:" + a + " action. Encoded authorization failure message: " + strings.Repeat("x7Jq", 100),
			}
		}
	}
	dry, refused := q.yes("DryRun")
	if refused == nil && dry {
		refused = &Refusal{Code: "DryRunOperation", Status: http.StatusPreconditionFailed, Message: "Request would have succeeded, but DryRun flag is set."}
	}
	return refused
}

// authenticate wants a signature for this region's EC2; it does not verify it.
func (c *Cloud) authenticate(authorization string) *Refusal {
	refused := &Refusal{Code: "AuthFailure", Status: http.StatusUnauthorized, Message: "AWS was not able to validate the provided access credentials"}
	_, scope, ok := strings.Cut(authorization, "Credential=")
	if !ok {
		return refused
	}
	scope, _, _ = strings.Cut(scope, ",")
	parts := strings.Split(scope, "/") // key, date, region, service, aws4_request
	switch {
	case len(parts) != 5 || parts[0] == "":
		return refused
	case parts[2] != c.opts.Region:
		refused.Message = fmt.Sprintf("Credential should be scoped to a valid region, not '%s'.", parts[2])
		return refused
	case parts[3] != "ec2":
		refused.Message = "Credential should be scoped to correct service: 'ec2'."
		return refused
	}
	return nil
}

func (c *Cloud) refuseAction(w http.ResponseWriter, q query, r *Refusal) {
	c.mu.Lock()
	c.count(q.action).Refused[r.Code]++
	c.mu.Unlock()
	c.refuse(w, r)
}

// errorXML is the body of an error answer.
type errorXML struct {
	XMLName   xml.Name `xml:"Response"`
	Code      string   `xml:"Errors>Error>Code"`
	Message   string   `xml:"Errors>Error>Message"`
	RequestID string   `xml:"RequestID"`
}

func (c *Cloud) refuse(w http.ResponseWriter, r *Refusal) {
	body, err := xml.Marshal(errorXML{Code: r.Code, Message: r.Message, RequestID: c.requestID()})
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	write(w, r.Status, body)
}

// reply is the body of a success.
type reply interface{ identify(requestID string) }

// header begins every success.
type header struct {
	RequestID string `xml:"requestId"`
}

func (h *header) identify(requestID string) { h.RequestID = requestID }

// answer writes a success; its element is named after the action.
func (c *Cloud) answer(w http.ResponseWriter, action string, body reply) {
	body.identify(c.requestID())
	var out bytes.Buffer
	err := xml.NewEncoder(&out).EncodeElement(body, xml.StartElement{
		Name: xml.Name{Local: action + "Response"},
		Attr: []xml.Attr{{Name: xml.Name{Local: "xmlns"}, Value: "http://ec2.amazonaws.com/doc/" + apiVersion + "/"}},
	})
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	write(w, http.StatusOK, out.Bytes())
}

func write(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "text/xml;charset=UTF-8")
	w.WriteHeader(status)
	_, _ = w.Write(append([]byte(xml.Header), body...)) // a client that is gone is no concern of ours
}

func (c *Cloud) requestID() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests++
	return fmt.Sprintf("ec2test-%08d", c.requests)
}
