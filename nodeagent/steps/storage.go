package steps

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/nodeagent/failure"
	"scaleio-framework/scaleio"
)

// Storage objects are made by scli where there is no gateway. Each is looked
// for by its name first, and success is that it is found.

// primaryPatience is how long the MDM of this host is asked to be the primary:
// if it is another one, the leader asks another host.
const primaryPatience = 15 * time.Second

// storageTime bounds one storage step, without the tests of devices, which the
// leader waits for by asking again.
const storageTime = 10 * time.Minute

// storageStep is one kind of object: how it is found, and how it is made.
type storageStep struct {
	cli *scli
	// find reports whether the object is as wanted, with the step's result. An
	// object of that name that is otherwise is an error.
	find func(ctx context.Context, cli *scli) (result any, found bool, err error)
	make func(ctx context.Context, cli *scli) error
}

// Detect logs in and looks for the object.
func (s *storageStep) Detect(ctx context.Context) (bool, error) {
	if err := s.cli.login(ctx); err != nil {
		var refused *scaleio.SCLIError
		if errors.As(err, &refused) && (refused.Outcome == scaleio.OutcomeNoConnection || refused.Outcome == scaleio.OutcomeNoCluster) {
			return false, failure.Misplaced(err)
		}
		return false, err
	}
	_, found, err := s.find(ctx, s.cli)
	return found, err
}

// Apply makes it.
func (s *storageStep) Apply(ctx context.Context) error { return s.make(ctx, s.cli) }

// Verify looks again.
func (s *storageStep) Verify(ctx context.Context) (any, error) {
	result, found, err := s.find(ctx, s.cli)
	if err == nil && !found {
		err = errors.New("the system does not show what scli was told to make, although scli reported success")
	}
	return result, err
}

// storagePlan finds the step for an object.
func (h *Host) storagePlan(r Request) (Plan, error) {
	switch nodeproto.Name(r.Step) {
	case nodeproto.StepProtectionDomains:
		return storage(h, r, protectionDomain)
	case nodeproto.StepFaultSets:
		return storage(h, r, faultSet)
	case nodeproto.StepStoragePools:
		return storage(h, r, storagePool)
	case nodeproto.StepSparePolicy:
		return storage(h, r, sparePolicy)
	case nodeproto.StepAddSDS:
		return storage(h, r, addSDS)
	case nodeproto.StepAddDevices:
		return storage(h, r, addDevices)
	case nodeproto.StepVerifyVolume:
		return storage(h, r, verifyVolume)
	default:
		return storage(h, r, verify)
	}
}

// storage decodes the parameters of one kind of object.
func storage[P any](h *Host, r Request, maker func(P) storageStep) (Plan, error) {
	return planned(r, storageTime, SCLI, func(p nodeproto.ByScli[P], r Request) (Step, error) {
		if p.Release == "" {
			return nil, errors.New("parameters name no release")
		}
		cli, err := h.scli(p.Release, "", r.Secrets)
		if err != nil {
			return nil, err
		}
		cli.patience = primaryPatience
		step := maker(p.Object)
		step.cli = cli
		return &step, nil
	})
}

// objects asks for all objects of a kind.
func (s *scli) objects(ctx context.Context, kind scaleio.ObjectType, properties ...string) ([]scaleio.Properties, error) {
	out, err := s.must(ctx, s.build.QueryProperties(kind, append([]string{"ID", "NAME"}, properties...)...))
	if err != nil {
		return nil, err
	}
	return scaleio.ParseProperties(kind, out)
}

// named finds an object by its name; in is the id of its domain, empty for any.
func (s *scli) named(ctx context.Context, kind scaleio.ObjectType, name, in string, properties ...string) (scaleio.Properties, bool, error) {
	if in != "" {
		properties = append(properties, propertyDomain)
	}
	all, err := s.objects(ctx, kind, properties...)
	if err != nil {
		return scaleio.Properties{}, false, err
	}
	for _, o := range all {
		if o.Values["NAME"] == name && (in == "" || o.Values[propertyDomain] == in) {
			return o, true, nil
		}
	}
	return scaleio.Properties{}, false, nil
}

// propertyDomain is the id of the domain that an object belongs to.
const propertyDomain = "PROTECTION_DOMAIN_ID"

// domain is the id of a protection domain that an earlier step made.
func (s *scli) domain(ctx context.Context, name string) (string, error) {
	o, ok, err := s.named(ctx, scaleio.ObjectProtectionDomain, name, "")
	if err == nil && !ok {
		err = fmt.Errorf("protection domain %s is not there although its step is done: retry step %s/%s", name, nodeproto.StepProtectionDomains, name)
	}
	return o.ID, err
}

// idResult is the result of steps that make one object.
type idResult struct {
	ID string `json:"id"`
}

func protectionDomain(p nodeproto.ProtectionDomainParams) storageStep {
	return storageStep{
		find: func(ctx context.Context, cli *scli) (any, bool, error) {
			o, ok, err := cli.named(ctx, scaleio.ObjectProtectionDomain, p.Name, "")
			return idResult{o.ID}, ok, err
		},
		make: func(ctx context.Context, cli *scli) error {
			return cli.change(ctx, cli.build.AddProtectionDomain(p.Name))
		},
	}
}

func faultSet(p nodeproto.FaultSetParams) storageStep {
	return storageStep{
		find: func(ctx context.Context, cli *scli) (any, bool, error) {
			domain, err := cli.domain(ctx, p.ProtectionDomain)
			if err != nil {
				return nil, false, err
			}
			o, ok, err := cli.named(ctx, scaleio.ObjectFaultSet, p.Name, domain)
			return idResult{o.ID}, ok, err
		},
		make: func(ctx context.Context, cli *scli) error {
			return cli.change(ctx, cli.build.AddFaultSet(p.ProtectionDomain, p.Name))
		},
	}
}

// pool finds a pool that an earlier step made, or is to make.
func (s *scli) pool(ctx context.Context, domainName, name string, properties ...string) (scaleio.Properties, bool, error) {
	domain, err := s.domain(ctx, domainName)
	if err != nil {
		return scaleio.Properties{}, false, err
	}
	return s.named(ctx, scaleio.ObjectStoragePool, name, domain, properties...)
}

func storagePool(p nodeproto.StoragePoolParams) storageStep {
	there := func(ctx context.Context, cli *scli) (scaleio.Properties, bool, error) {
		return cli.pool(ctx, p.ProtectionDomain, p.Name)
	}
	return storageStep{
		find: func(ctx context.Context, cli *scli) (any, bool, error) {
			o, ok, err := there(ctx, cli)
			if err != nil || !ok {
				return nil, false, err
			}
			out, err := cli.must(ctx, cli.build.QueryStoragePool(p.ProtectionDomain, p.Name))
			if err != nil {
				return nil, false, err
			}
			pads, told := scaleio.ParseZeroPadding(out)
			return idResult{o.ID}, !told || pads == p.ZeroPadding, nil
		},
		make: func(ctx context.Context, cli *scli) error {
			_, ok, err := there(ctx, cli)
			if err != nil {
				return err
			}
			if !ok {
				if err := cli.change(ctx, cli.build.AddStoragePool(p.ProtectionDomain, scaleio.StoragePoolSpec{Name: p.Name, MediaType: p.MediaType})); err != nil {
					return err
				}
			}
			err = cli.change(ctx, cli.build.SetZeroPadding(p.ProtectionDomain, p.Name, p.ZeroPadding))
			if err != nil && ok {
				err = failure.Hopeless(fmt.Errorf("%w: configure the zero padding that pool %s has; it cannot be changed while the pool has devices", err, p.Name))
			}
			return err
		},
	}
}

func sparePolicy(p nodeproto.SparePolicyParams) storageStep {
	return storageStep{
		find: func(ctx context.Context, cli *scli) (any, bool, error) {
			const percent = "SPARE_PERCENT"
			o, ok, err := cli.pool(ctx, p.ProtectionDomain, p.StoragePool, percent)
			if err == nil && !ok {
				err = fmt.Errorf("storage pool %s is not there although its step is done: retry step %s/%s/%s", p.StoragePool, nodeproto.StepStoragePools, p.ProtectionDomain, p.StoragePool)
			}
			if err != nil {
				return nil, false, err
			}
			has, err := strconv.Atoi(strings.TrimSuffix(o.Values[percent], "%"))
			if err != nil {
				return nil, false, fmt.Errorf("the spare percentage of pool %s cannot be read: %w", p.StoragePool, err)
			}
			return nodeproto.SparePolicyResult{ID: o.ID, Percent: has}, has >= p.Percent, nil
		},
		make: func(ctx context.Context, cli *scli) error {
			return cli.change(ctx, cli.build.SetSparePercentage(p.ProtectionDomain, p.StoragePool, p.Percent))
		},
	}
}

// noFaultSet is the fault set of an SDS that is in none.
const noFaultSet = "0000000000000000"

func addSDS(p nodeproto.AddSDSParams) storageStep {
	const faultSetID, addresses = "FAULT_SET_ID", "IPS"
	return storageStep{
		find: func(ctx context.Context, cli *scli) (any, bool, error) {
			domain, err := cli.domain(ctx, p.ProtectionDomain)
			if err != nil {
				return nil, false, err
			}
			o, ok, err := cli.named(ctx, scaleio.ObjectSDS, p.Name, "", propertyDomain, faultSetID, addresses)
			if err != nil || !ok {
				return nil, false, err
			}
			set := scaleio.Properties{ID: noFaultSet}
			if p.FaultSet != "" {
				if set, _, err = cli.named(ctx, scaleio.ObjectFaultSet, p.FaultSet, domain); err != nil {
					return nil, false, err
				}
			}
			has := strings.FieldsFunc(o.Values[addresses], func(r rune) bool { return r == ',' || r == ' ' || r == ';' })
			switch {
			case o.Values[propertyDomain] != domain:
				err = failure.Hopelessf("SDS %s (%s) is in another protection domain than %s: remove it with scli --remove_sds and retry the step", p.Name, o.ID, p.ProtectionDomain)
			case o.Values[faultSetID] != set.ID:
				err = failure.Hopelessf("SDS %s (%s) is not in fault set %q, and can join one only when it is added: remove it with scli --remove_sds and retry the step", p.Name, o.ID, p.FaultSet)
			case !containsAll(has, p.IPs):
				err = failure.Hopelessf("SDS %s (%s) has the addresses %s, wanted are %s: correct them with scli --add_sds_ip", p.Name, o.ID, o.Values[addresses], strings.Join(p.IPs, ", "))
			}
			if err != nil {
				return nil, false, err
			}
			devices, err := cli.devices(ctx, p.Name)
			result := nodeproto.AddSDSResult{ID: o.ID}
			for _, d := range devices {
				if d.Name != "" {
					result.Taken = append(result.Taken, d.Name)
				}
			}
			return result, err == nil, err
		},
		make: func(ctx context.Context, cli *scli) error {
			return cli.change(ctx, cli.build.AddSDS(scaleio.SCLISDS{Name: p.Name, ProtectionDomain: p.ProtectionDomain, FaultSet: p.FaultSet, IPs: p.IPs}))
		},
	}
}

func containsAll(list, wanted []string) bool {
	there := make(map[string]bool, len(list))
	for _, one := range list {
		there[one] = true
	}
	for _, one := range wanted {
		if !there[one] {
			return false
		}
	}
	return true
}
