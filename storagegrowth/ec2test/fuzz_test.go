package ec2test_test

import (
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"scaleio-framework/storagegrowth/ec2test"
)

// Whatever is posted, the answer is XML, a success or an error with a code,
// and the account stays as it is unless the answer is a success.
func FuzzQuery(f *testing.F) {
	f.Add("Action=CreateVolume&Version=2016-11-15&Size=1&AvailabilityZone=us-east-1a&ClientToken=a&TagSpecification.1.ResourceType=volume&TagSpecification.1.Tag.1.Key=k")
	f.Add("Action=DescribeVolumes&Version=2016-11-15&Filter.1.Name=tag:a&Filter.1.Value.1=*%3f\\&MaxResults=5&NextToken=ZnJvbSAx")
	f.Add("Action=AttachVolume&Version=2016-11-15&VolumeId=vol-0e200000001&InstanceId=i-0a&Device=/dev/sdf")
	f.Add("Action=DescribeInstances&Version=2016-11-15&InstanceId.1=i-0a&InstanceId.10001=x&InstanceId.-1=y")
	f.Add("Action=ModifyInstanceAttribute&Version=2016-11-15&InstanceId=i-0a&BlockDeviceMapping.1.DeviceName=/dev/xvda&BlockDeviceMapping.1.Ebs.DeleteOnTermination=maybe")
	f.Add("Action=a&Action=b&%zz;;")
	f.Fuzz(func(t *testing.T, body string) {
		c, err := ec2test.New(ec2test.Options{PageSize: 2})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.AddInstance(ec2test.InstanceSpec{ID: "i-0a"}); err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Authorization", signature)
		w := httptest.NewRecorder()
		c.EC2().ServeHTTP(w, r)

		var a answer
		if err := xml.Unmarshal(w.Body.Bytes(), &a); err != nil {
			t.Fatalf("%v: %s", err, w.Body)
		}
		if (w.Code == http.StatusOK) == (a.Code != "") {
			t.Fatalf("status %d and code %q", w.Code, a.Code)
		}
		if w.Code != http.StatusOK && len(c.LeakedVolumes(nil)) > 0 {
			t.Fatal("an error that made a volume")
		}
	})
}
