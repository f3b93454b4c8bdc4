package scaleioctl

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"scaleio-framework/internal/httpapi"
)

// uninstallCommand shows what a removal would do, or gives the order.
func (p *program) uninstallCommand(ctx context.Context, _ []string) error {
	switch {
	case p.keep && p.removeVolumes:
		return errUsage{"--keep-data and --remove-volumes contradict each other: give one of them"}
	case p.dryRun == (p.mean != ""):
		return errUsage{"uninstall takes --dry-run, which changes nothing, or --yes-i-mean with the name of the system, which gives the order"}
	case p.dryRun:
		return p.previewUninstall(ctx)
	}
	request := httpapi.OrderRequest{System: p.mean, KeepData: p.keep, RemoveVolumes: p.removeVolumes}
	if err := p.order(ctx, "uninstall", "/v1/uninstall", request); err != nil {
		return err
	}
	if !p.json {
		fmt.Fprintln(p.Out, "It waits until no volume is mapped. From its first change on it cannot be taken back; until then: scaleioctl uninstall cancel. scaleioctl plan shows how far it is.")
	}
	return nil
}

func (p *program) cancelUninstallCommand(ctx context.Context, _ []string) error {
	return p.orderBy(ctx, http.MethodDelete, "uninstall cancel", "/v1/uninstall", httpapi.OrderRequest{})
}

func (p *program) previewUninstall(ctx context.Context) error {
	query := url.Values{"keep_data": {strconv.FormatBool(p.keep)}, "remove_volumes": {strconv.FormatBool(p.removeVolumes)}}
	var u httpapi.Uninstall
	if _, err := p.ask(ctx, http.MethodGet, "/v1/uninstall?"+query.Encode(), nil, &u); err != nil {
		return err
	}
	if p.json {
		return p.printJSON(u)
	}
	p.sayUninstall(u)
	if len(u.Steps) > 0 {
		t := p.table("HOST", "STEP", "WHAT IT DOES")
		for _, s := range u.Steps {
			t.row(cmp.Or(s.Host, "-"), s.Step, s.Text)
		}
		if err := t.flush(); err != nil {
			return err
		}
	}
	for _, text := range u.Blocked {
		fmt.Fprintln(p.Out, "in the way:", oneLine(text))
	}
	p.sayVolumes(u)
	if u.Ordered == nil && u.System != "" {
		fmt.Fprintf(p.Out, "nothing was changed; scaleioctl uninstall --yes-i-mean %s%s gives the order\n", u.System, p.uninstallOptions())
	}
	return nil
}

func (p *program) uninstallOptions() string {
	switch {
	case p.keep:
		return " --keep-data"
	case p.removeVolumes:
		return " --remove-volumes"
	}
	return ""
}

// sayUninstall says where the removal stands, and what it cannot take back.
func (p *program) sayUninstall(u httpapi.Uninstall) {
	o := u.Ordered
	switch {
	case o == nil && len(u.Steps) == 0:
		fmt.Fprintf(p.Out, "system %s is not being removed, and nothing of it was begun\n", u.System)
	case o == nil:
		fmt.Fprintf(p.Out, "system %s is not being removed; a removal would do this:\n", u.System)
	case o.Finished != nil:
		fmt.Fprintf(p.Out, "system %s is removed since %s. End the schedulers' app in Marathon, then tell Mesos: curl -d frameworkId=%s http://MASTER:5050/master/teardown\n", u.System, o.Finished.Local().Format("2006-01-02 15:04:05"), u.FrameworkID)
	case o.Begun != nil:
		fmt.Fprintf(p.Out, "system %s is being removed; it began at %s and cannot be taken back\n", u.System, o.Begun.Local().Format("2006-01-02 15:04:05"))
	default:
		fmt.Fprintf(p.Out, "system %s is to be removed; nothing was changed yet: scaleioctl uninstall cancel\n", u.System)
	}
}

// sayVolumes lists what stays in the cloud, with what removes it.
func (p *program) sayVolumes(u httpapi.Uninstall) {
	if len(u.GrowthVolumes) == 0 {
		return
	}
	fmt.Fprintln(p.Out, "volumes of growths leave their pools, but stay attached and are paid for; once the system is removed, these commands delete them:")
	for _, v := range u.GrowthVolumes {
		fmt.Fprintf(p.Out, "  aws ec2 detach-volume --volume-id %[1]s && aws ec2 wait volume-available --volume-ids %[1]s && aws ec2 delete-volume --volume-id %[1]s   # %[2]d GiB on %[3]s, growth %[4]s\n", v.ID, v.GiB, v.Host, v.Growth)
	}
}
