package scaleiotest

import "net/http"

// create makes an object of a type from the request's body.
func (c *call) create(kind string) (any, error) {
	body, err := c.body()
	if err != nil {
		return nil, err
	}
	request := map[string]func(fieldsOf) (Op, string, func() (string, error), error){
		"ProtectionDomain": c.createDomain, "FaultSet": c.createFaultSet, "StoragePool": c.createPool,
		"Sds": c.createSDS, "Device": c.createDevice, "Volume": c.createVolume,
	}[kind]
	if request == nil {
		return nil, &Refusal{Text: "Method not allowed", Status: http.StatusMethodNotAllowed}
	}
	op, name, change, err := request(body)
	if err != nil {
		return nil, err
	}
	id, err := c.effect(op, name, change)
	if err != nil {
		return nil, err
	}
	return object{"id": id}, nil
}

func (c *call) createDomain(b fieldsOf) (Op, string, func() (string, error), error) {
	name := b.text("name")
	return OpCreatePD, name, func() (string, error) { return c.s.createDomain(name) }, nil
}

func (c *call) createFaultSet(b fieldsOf) (Op, string, func() (string, error), error) {
	name := b.text("name")
	return OpCreateFaultSet, name, func() (string, error) {
		d := c.s.domainBy(b.text("protectionDomainId"))
		if d == nil {
			return "", errNoPD
		}
		return c.s.createFaultSet(d, name)
	}, nil
}

func (c *call) createPool(b fieldsOf) (Op, string, func() (string, error), error) {
	name := b.text("name")
	spare, err := b.number("sparePercentage", 10)
	return OpCreatePool, name, func() (string, error) {
		d := c.s.domainBy(b.text("protectionDomainId"))
		if d == nil {
			return "", errNoPD
		}
		return c.s.createPool(newPool{
			domain: d, name: name, media: b.text("mediaType"), spare: int(spare),
			zeroPad: b.truth("zeroPaddingEnabled"), useRmcache: b.truth("useRmcache"),
		})
	}, err
}

func (c *call) createSDS(b fieldsOf) (Op, string, func() (string, error), error) {
	port, err := b.number("sdsPort", 7072)
	if err != nil {
		return "", "", nil, err
	}
	var ips []sdsIP
	for _, wrapped := range b.objects("sdsIpList") {
		inner, ok := wrapped["SdsIp"].(map[string]any)
		if !ok {
			return "", "", nil, &Refusal{Text: "sdsIpList: each element must be an SdsIp", Status: http.StatusBadRequest}
		}
		ips = append(ips, sdsIP{ip: fieldsOf(inner).text("ip"), role: fieldsOf(inner).text("role")})
	}
	name := b.text("name")
	return OpCreateSDS, name, func() (string, error) {
		n := newSDS{name: name, domain: c.s.domainBy(b.text("protectionDomainId")), ips: ips, port: int(port)}
		if n.domain == nil {
			return "", errNoPD
		}
		if id := b.text("faultSetId"); id != "" {
			if n.faultSet = c.s.faultSetBy(id); n.faultSet == nil {
				return "", errNoFaultSet
			}
		}
		for _, d := range b.objects("deviceInfoList") {
			p := c.s.poolBy(d.text("storagePoolId"))
			if p == nil {
				return "", errNoPool
			}
			n.devices = append(n.devices, newDevice{
				pool: p, path: d.text("devicePath"), name: d.text("deviceName"),
				noTest: b.text("deviceTestMode") == "noTest", takeover: b.truth("forceClean"),
			})
		}
		return c.s.createSDS(n)
	}, nil
}

func (c *call) createDevice(b fieldsOf) (Op, string, func() (string, error), error) {
	limit, err := b.number("capacityLimitInKb", 0)
	path := b.text("deviceCurrentPathname")
	if path == "" {
		return "", "", nil, &Refusal{Text: "deviceCurrentPathname is missing", Status: http.StatusBadRequest}
	}
	c.s.mu.Lock()
	owner := c.s.sdsBy(b.text("sdsId"))
	name := ":" + path
	if owner != nil {
		name = owner.name + name
	}
	c.s.mu.Unlock()
	return OpCreateDevice, name, func() (string, error) {
		x, p := c.s.sdsBy(b.text("sdsId")), c.s.poolBy(b.text("storagePoolId"))
		if x == nil {
			return "", errNoSDS
		}
		if p == nil {
			return "", errNoPool
		}
		return c.s.createDevice(newDevice{
			sds: x, pool: p, path: path, name: b.text("name"), media: b.text("mediaType"), limitKb: limit,
			takeover: b.truth("forceDeviceTakeover"), noTest: b.text("testMode") == "noTest", testOnly: b.text("testMode") == "testOnly",
		})
	}, err
}

func (c *call) createVolume(b fieldsOf) (Op, string, func() (string, error), error) {
	size, err := b.number("volumeSizeInKb", 0)
	name := b.text("name")
	return OpCreateVolume, name, func() (string, error) {
		p := c.s.poolBy(b.text("storagePoolId"))
		if p == nil {
			return "", errNoPool
		}
		return c.s.createVolume(newVolume{pool: p, name: name, sizeKb: size, thin: b.text("volumeType") == "ThinProvisioned"})
	}, err
}
