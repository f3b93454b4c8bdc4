package mesostest

import (
	"fmt"
	"strings"

	"github.com/gogo/protobuf/proto"
	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/resources"
)

// all are the resources of an agent, unallocated and unreserved.
func (o AgentOptions) all() mesos.Resources {
	list := mesos.Resources{
		resources.Build().Name(resources.NamePorts).Ranges(mesos.Ranges{{Begin: 31000, End: 31999}}).Resource,
		resources.NewCPUs(o.Resources.CPUs).Resource,
		resources.NewMemory(o.Resources.Mem).Resource,
		resources.NewDisk(o.Resources.Disk).Resource,
	}
	if o.GPUs > 0 {
		list = append(list, resources.NewGPUs(uint(o.GPUs)).Resource)
	}
	return plain(list)
}

// plain strips what a framework may add to a resource, so that amounts can be compared. Reservations are not supported.
func plain(list []mesos.Resource) mesos.Resources {
	var out mesos.Resources
	for _, r := range list {
		out.Add1(mesos.Resource{Name: r.Name, Type: r.Type, Scalar: r.Scalar, Ranges: r.Ranges, Set: r.Set, Role: ptr("*")})
	}
	return out.Clone()
}

// allocated writes the role into each resource, as offers and launched tasks show it.
func allocated(list mesos.Resources, role string) []mesos.Resource {
	out := list.Clone()
	for i := range out {
		out[i].AllocationInfo = &mesos.Resource_AllocationInfo{Role: &role}
	}
	return out
}

// allocate sets the role where the framework left it out, in place.
func allocate(list []mesos.Resource, role string) {
	for i := range list {
		if list[i].AllocationInfo == nil {
			list[i].AllocationInfo = &mesos.Resource_AllocationInfo{Role: &role}
		}
	}
}

func contains(have, want mesos.Resources) bool { return resources.ContainsAll(have, want) }

// worthOffering applies --min_allocatable_resources, cpus:0.01|mem:32.
func worthOffering(list mesos.Resources) bool {
	cpus, _ := resources.CPUs(list...)
	mem, _ := resources.Memory(list...)
	return cpus >= 0.01 || mem >= 32
}

// describe prints scalars the way Mesos does in its messages.
func describe(list mesos.Resources, role string) string {
	var parts []string
	for _, r := range list {
		if r.Scalar != nil {
			parts = append(parts, fmt.Sprintf("%s(allocated: %s):%v", r.Name, role, r.Scalar.Value))
		}
	}
	return strings.Join(parts, "; ")
}

// clone copies a message deeply, so that what a stream or another party holds cannot change.
func clone[T any, P interface {
	*T
	proto.Message
}](v P) P {
	if v == nil {
		return nil
	}
	return proto.Clone(v).(P)
}
