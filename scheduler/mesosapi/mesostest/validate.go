package mesostest

import (
	"fmt"
	"math"
	"slices"
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// validateCall makes the checks of a call alone, before any framework is looked up.
func (c *Cluster) validateCall(call *scheduler.Call) *refusal {
	invalid := func(format string, args ...any) *refusal {
		return badRequest("Failed to validate scheduler::Call: "+format, args...)
	}
	if call.Type == scheduler.Call_UNKNOWN {
		return invalid("Expecting 'type' to be present")
	}
	if call.Type == scheduler.Call_SUBSCRIBE {
		if call.Subscribe == nil || call.Subscribe.FrameworkInfo == nil {
			return invalid("Expecting 'subscribe' to be present")
		}
		info := call.Subscribe.FrameworkInfo
		if (call.FrameworkID == nil) != (info.ID == nil) || call.FrameworkID.GetValue() != info.GetID().GetValue() {
			return invalid("'framework_id' differs from 'subscribe.framework_info.id'")
		}
		if want := c.opts.Credential; want != nil && info.Principal != nil && *info.Principal != want.Principal {
			return invalid("Authenticated principal '%s' does not match principal '%s' set in `FrameworkInfo`",
				want.Principal, *info.Principal)
		}
		return nil
	}
	if call.FrameworkID == nil {
		return invalid("Expecting 'framework_id' to be present")
	}
	for typ, part := range map[scheduler.Call_Type]struct {
		name    string
		present bool
	}{
		scheduler.Call_ACCEPT:      {"accept", call.Accept != nil},
		scheduler.Call_DECLINE:     {"decline", call.Decline != nil},
		scheduler.Call_KILL:        {"kill", call.Kill != nil},
		scheduler.Call_SHUTDOWN:    {"shutdown", call.Shutdown != nil},
		scheduler.Call_ACKNOWLEDGE: {"acknowledge", call.Acknowledge != nil},
		scheduler.Call_RECONCILE:   {"reconcile", call.Reconcile != nil},
		scheduler.Call_MESSAGE:     {"message", call.Message != nil},
	} {
		if call.Type == typ && !part.present {
			return invalid("Expecting '%s' to be present", part.name)
		}
	}
	if call.Type == scheduler.Call_ACKNOWLEDGE && len(call.Acknowledge.UUID) != 16 {
		return invalid("Not a valid UUID")
	}
	return nil
}

// validateFramework returns the text of the ERROR event for an unacceptable FrameworkInfo, or "".
func validateFramework(info *mesos.FrameworkInfo, suppressed []string) string {
	if capable(info, mesos.FrameworkInfo_Capability_MULTI_ROLE) {
		if info.Role != nil {
			return "'FrameworkInfo.role' must not be set when the framework is MULTI_ROLE capable"
		}
	} else if len(info.Roles) > 0 {
		return "'FrameworkInfo.roles' must not be set when the framework is not MULTI_ROLE capable"
	}
	if twice := duplicates(info.Roles); len(twice) > 0 {
		return fmt.Sprintf("'FrameworkInfo.roles' contains duplicate items: { %s }", strings.Join(twice, ", "))
	}
	for _, role := range info.Roles {
		if text := validateRole(role); text != "" {
			return "'FrameworkInfo.roles' contains invalid role: " + text
		}
	}
	if text := validateRole(info.GetRole()); text != "" {
		return "'FrameworkInfo.role' is not a valid role: " + text
	}
	if info.ID != nil {
		if text := validateID(info.ID.Value); text != "" {
			return text
		}
	}
	// A duration in Mesos is a 64 bit number of nanoseconds.
	if timeout := info.GetFailoverTimeout(); math.IsNaN(timeout) || math.Abs(timeout) > math.MaxInt64/1e9 {
		return fmt.Sprintf("The framework failover_timeout (%g) is invalid", timeout)
	}
	roles := (&framework{info: info}).roles()
	var strange []string
	for _, role := range suppressed {
		if !slices.Contains(roles, role) {
			strange = append(strange, role)
		}
	}
	if len(strange) > 0 {
		return fmt.Sprintf("Suppressed roles { %s } are not contained in the set of roles", strings.Join(strange, ", "))
	}
	return ""
}

func duplicates(items []string) []string {
	var twice []string
	for i, item := range items {
		if slices.Contains(items[:i], item) && !slices.Contains(twice, item) {
			twice = append(twice, item)
		}
	}
	return twice
}

func validateRole(role string) string {
	switch {
	case role == "*":
		return ""
	case role == "":
		return "Empty role name is invalid"
	case strings.HasPrefix(role, "/"):
		return fmt.Sprintf("Role '%s' cannot start with a slash", role)
	case strings.HasSuffix(role, "/"):
		return fmt.Sprintf("Role '%s' cannot end with a slash", role)
	case strings.Contains(role, "//"):
		return fmt.Sprintf("Role '%s' cannot contain two adjacent slashes", role)
	}
	for part := range strings.SplitSeq(role, "/") {
		switch {
		case part == "." || part == ".." || part == "*":
			return fmt.Sprintf("Role '%s' cannot include '%s' as a component", role, part)
		case strings.HasPrefix(part, "-"):
			return fmt.Sprintf("Role component '%s' is invalid because it begins with a dash", part)
		case strings.ContainsAny(part, "\t\n\v\f\r \x7f"):
			return fmt.Sprintf("Role component '%s' is invalid because it contains backspace or whitespace", part)
		}
	}
	return ""
}

// validateID checks the id of a framework, task or executor; "" when it is good.
func validateID(id string) string {
	bad := func(r rune) bool { return r < 0x20 || r == 0x7f || r == '/' || r == '\\' }
	switch {
	case id == "":
		return "ID must not be empty"
	case len(id) > 255:
		return "ID must not be greater than 255 characters"
	case id == "." || id == "..":
		return fmt.Sprintf("'%s' is disallowed", id)
	case strings.IndexFunc(id, bad) >= 0:
		return fmt.Sprintf("'%s' contains invalid characters", id)
	}
	return ""
}
