package scaleiotest

// clusterCommands are scli's commands about the MDM cluster and its users.
func clusterCommands() map[string]command {
	return map[string]command{
		"create_mdm_cluster": {
			need: []string{"master_mdm_ip|primary_mdm_ip"}, open: true, op: OpCreateCluster, named: "master_mdm_name",
			may: []string{
				"master_mdm_management_ip", "master_mdm_name", "master_mdm_virtual_ip_interface", "cluster_virtual_ip",
				"primary_mdm_management_ip", "primary_mdm_name", "primary_mdm_virtual_ip_interface", "accept_license",
			},
			run: (*cli).createCluster,
		},
		"login": {
			need: []string{"username|p12_path"}, may: []string{"password", "p12_password"}, open: true, op: OpLogin, named: "username", run: (*cli).login,
		},
		"add_certificate": {need: []string{"certificate_file"}, open: true, local: true, op: OpSetSystem, named: "certificate_file", run: (*cli).addCertificate},
		"logout":          {open: true, op: OpRead, run: (*cli).logout},
		"set_password":    {may: []string{"old_password", "new_password"}, op: OpSetPassword, run: (*cli).setPassword},
		"add_standby_mdm": {
			need: []string{"new_mdm_ip", "mdm_role"}, op: OpAddStandby, named: "new_mdm_name",
			may: []string{"new_mdm_management_ip", "new_mdm_name", "new_mdm_port", "new_mdm_virtual_ip_interface", "force_clean"},
			run: (*cli).addStandby,
		},
		"remove_standby_mdm": {
			need: []string{"remove_mdm_name|remove_mdm_ip|remove_mdm_id"}, op: OpRemoveStandby, named: "remove_mdm_name",
			run: func(c *cli) error {
				_, err := c.s.removeStandby(c.opt["remove_mdm_name"] + c.opt["remove_mdm_ip"] + c.opt["remove_mdm_id"])
				c.printf("Successfully removed the standby MDM\n")
				return err
			},
		},
		"switch_cluster_mode": {
			need: []string{"cluster_mode"}, op: OpSwitchMode, named: "cluster_mode",
			may: []string{
				"add_slave_mdm_name", "add_slave_mdm_ip", "add_slave_mdm_id", "add_tb_name", "add_tb_ip", "add_tb_id",
				"remove_slave_mdm_name", "remove_slave_mdm_ip", "remove_slave_mdm_id", "remove_tb_name", "remove_tb_ip", "remove_tb_id",
				"add_secondary_mdm_name", "add_secondary_mdm_ip", "remove_secondary_mdm_name", "remove_secondary_mdm_ip",
			},
			run: (*cli).switchMode,
		},
		"replace_cluster_mdm": {
			op: OpReplaceMDM, named: "add_slave_mdm_name",
			may: []string{
				"add_slave_mdm_name", "add_slave_mdm_ip", "add_tb_name", "add_tb_ip", "allow_leave_failed",
				"remove_slave_mdm_name", "remove_slave_mdm_ip", "remove_tb_name", "remove_tb_ip",
			},
			run: (*cli).replaceMDM,
		},
		"switch_mdm_ownership": {
			need: []string{"new_master_mdm_name|new_master_mdm_ip|new_master_mdm_id|new_primary_mdm_ip"}, op: OpSwitchMaster, named: "new_master_mdm_name",
			run: func(c *cli) error {
				_, err := c.s.switchMaster(c.opt["new_master_mdm_name"] + c.opt["new_master_mdm_ip"] + c.opt["new_master_mdm_id"] + c.opt["new_primary_mdm_ip"])
				c.printf("Successfully switched MDM ownership\n")
				return err
			},
		},
		"rename_system": {
			need: []string{"new_name"}, op: OpRenameSystem, named: "new_name",
			run: func(c *cli) error {
				_, err := c.s.renameSystem(c.opt["new_name"])
				c.printf("Successfully renamed system to %s\n", c.opt["new_name"])
				return err
			},
		},
		"rename_mdm": {
			need: []string{"mdm_name|mdm_id|target_mdm_ip", "new_name"}, op: OpRenameMDM, named: "new_name",
			run: (*cli).renameMDM,
		},
		"set_license": {need: []string{"license_file"}, op: OpSetSystem, named: "license_file", run: func(c *cli) error {
			c.printf("Successfully set license\n")
			return nil
		}},
	}
}

func (c *cli) createCluster() error {
	id, err := c.s.createCluster(c.target, newMDM{
		name: c.opt["master_mdm_name"] + c.opt["primary_mdm_name"],
		ips:  fields(c.opt["master_mdm_ip"] + c.opt["primary_mdm_ip"]),
		mgmt: fields(c.opt["master_mdm_management_ip"] + c.opt["primary_mdm_management_ip"]),
	})
	c.printf("Successfully created the MDM Cluster. System ID is %s\n", id)
	return err
}

func (c *cli) login() error {
	if c.has("p12_path") {
		return c.loginByFile()
	}
	if c.s.version.certificates() {
		return connectionError{"management system", "443"} // there is none
	}
	if c.opt["username"] != "admin" || c.opt["password"] != c.s.password {
		return errPermission
	}
	c.host.session = &session{used: c.s.opt.Now(), mustChange: c.s.password == initialPassword}
	c.printf("Logged in. User role is SuperUser. System ID is %s\n", c.s.systemID)
	return nil
}

func (c *cli) logout() error {
	c.host.session = nil
	c.printf("Logged out\n")
	return nil
}

func (c *cli) setPassword() error {
	_, err := c.s.setPassword(c.opt["old_password"], c.opt["new_password"])
	c.printf("Password changed successfully\n")
	return err
}

func (c *cli) addStandby() error {
	role := c.opt["mdm_role"]
	if role != "manager" && role != "tb" {
		return errRange
	}
	id, err := c.s.addStandby(newMDM{
		name: c.opt["new_mdm_name"], ips: fields(c.opt["new_mdm_ip"]),
		mgmt: fields(c.opt["new_mdm_management_ip"]), tieBreaker: role == "tb",
	})
	c.printf("Successfully added a standby MDM. Object ID %s\n", id)
	return err
}

// named gathers the members an option names by name, address or id.
func (c *cli) named(prefix string) []string {
	return fields(c.opt[prefix+"_name"] + "," + c.opt[prefix+"_ip"] + "," + c.opt[prefix+"_id"])
}

func (c *cli) change() modeChange {
	return modeChange{
		addSlaves: append(c.named("add_slave_mdm"), c.named("add_secondary_mdm")...), addTBs: c.named("add_tb"),
		dropSlaves: append(c.named("remove_slave_mdm"), c.named("remove_secondary_mdm")...), dropTBs: c.named("remove_tb"),
	}
}

func (c *cli) switchMode() error {
	ch := c.change()
	ch.mode = map[string]int{"1_node": 1, "3_node": 3, "5_node": 5}[c.opt["cluster_mode"]]
	_, err := c.s.switchMode(ch)
	c.printf("Successfully switched the cluster mode\n")
	return err
}

func (c *cli) replaceMDM() error {
	ch := c.change()
	if len(ch.addSlaves) != len(ch.dropSlaves) || len(ch.addTBs) != len(ch.dropTBs) || len(ch.addSlaves)+len(ch.addTBs) == 0 {
		return errMDMCount
	}
	c.printf("Successfully replaced MDMs\n")
	return c.s.exchange(ch)
}

func (c *cli) renameMDM() error {
	m := c.s.cluster.find(c.s.cluster.all(), c.opt["mdm_name"]+c.opt["mdm_id"]+c.opt["target_mdm_ip"])
	if m == nil {
		return errNoMDM
	}
	m.name = c.opt["new_name"]
	c.printf("Successfully renamed MDM\n")
	return nil
}
