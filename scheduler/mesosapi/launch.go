package mesosapi

import (
	"fmt"
	"math"
	"path"
	"slices"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler/calls"

	"scaleio-framework/internal/model"
)

// launchCall builds the ACCEPT of a committed launch. The same launch gives
// the same call, whoever makes it.
func (o Options) launchCall(frameworkID string, l model.Launch) (*scheduler.Call, error) {
	task, err := o.task(frameworkID, l)
	if err != nil {
		return nil, err
	}
	call := calls.Accept(calls.OfferOperations{calls.OpLaunch(task)}.WithOffers(mesos.OfferID{Value: l.OfferID}))
	return call.With(calls.RefuseSeconds(o.AcceptRefuse)), nil
}

func (o Options) task(frameworkID string, l model.Launch) (mesos.TaskInfo, error) {
	cpus, mem := round(l.CPUs-o.ExecutorCPUs), round(l.MemoryMB-o.ExecutorMB)
	switch {
	case l.OfferID == "" || l.AgentID == "" || l.TaskID == "" || l.ExecutorID == "" || l.URI == "":
		return mesos.TaskInfo{}, fmt.Errorf("mesos: launch %q lacks its offer, agent, task, executor or URI", l.TaskID)
	case cpus <= 0 || mem <= 0:
		return mesos.TaskInfo{}, fmt.Errorf("mesos: launch %s with %g cpus and %g MB leaves nothing beside its executor's %g cpus and %g MB: give the persona more",
			l.TaskID, l.CPUs, l.MemoryMB, o.ExecutorCPUs, o.ExecutorMB)
	}
	name := NodeAgentProgram
	return mesos.TaskInfo{
		Name:      name,
		TaskID:    mesos.TaskID{Value: l.TaskID},
		AgentID:   mesos.AgentID{Value: l.AgentID},
		Resources: o.resources(cpus, mem),
		Executor: &mesos.ExecutorInfo{
			Type:        mesos.ExecutorInfo_CUSTOM,
			ExecutorID:  mesos.ExecutorID{Value: l.ExecutorID},
			FrameworkID: &mesos.FrameworkID{Value: frameworkID},
			Name:        &name,
			Command:     o.command(l),
			Resources:   o.resources(o.ExecutorCPUs, o.ExecutorMB),
		},
	}, nil
}

// command fetches the node agent from the URI and starts it without a shell.
// It is not cached by the agent: a cache would hold on to a program after a
// broken download.
func (o Options) command(l model.Launch) *mesos.CommandInfo {
	yes, no := true, false
	program := o.ExecutorCommand.Program
	file := path.Base(program)
	command := &mesos.CommandInfo{
		URIs:  []mesos.CommandInfo_URI{{Value: l.URI, Executable: &yes, Extract: &no, Cache: &no, OutputFile: &file}},
		Shell: &no,
		Value: &program,
		// Without a shell, the first argument is the program's own name.
		Arguments: append([]string{file}, o.ExecutorCommand.Arguments...),
	}
	names := make([]string, 0, len(o.ExecutorEnvironment))
	for name := range o.ExecutorEnvironment {
		names = append(names, name)
	}
	slices.Sort(names)
	if len(names) > 0 {
		command.Environment = &mesos.Environment{}
	}
	for _, name := range names {
		value := o.ExecutorEnvironment[name]
		command.Environment.Variables = append(command.Environment.Variables, mesos.Environment_Variable{Name: name, Value: &value})
	}
	return command
}

// resources are plain ones, allocated to our role: MULTI_ROLE wants to know
// which of a framework's roles uses them, and RESERVATION_REFINEMENT forbids
// the old field for the role.
func (o Options) resources(cpus, mem float64) []mesos.Resource {
	scalar := func(name string, value float64) mesos.Resource {
		kind, role := mesos.SCALAR, o.Role
		return mesos.Resource{
			Name: name, Type: &kind, Scalar: &mesos.Value_Scalar{Value: value},
			AllocationInfo: &mesos.Resource_AllocationInfo{Role: &role},
		}
	}
	return []mesos.Resource{scalar("cpus", cpus), scalar("mem", mem)}
}

// round keeps three decimals, as Mesos itself does with scalars.
func round(v float64) float64 { return math.Round(v*1000) / 1000 }
