package ebs

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"scaleio-framework/storagegrowth/cloud"
)

// Client talks to EC2 in one region. Its methods may be called side by side.
type Client struct {
	opts     Options
	api      *ec2.Client
	retryers map[string]aws.Retryer // by mutating action

	mu    sync.Mutex
	kinds map[string]types.InstanceTypeInfo // what was learnt about instance types; they never change
}

var _ cloud.Cloud = (*Client)(nil)

// New prepares a client. It reads the environment and the files of the SDK,
// and asks the metadata service for the region when nothing names one; it does
// not ask for credentials yet.
func New(ctx context.Context, opts Options) (*Client, error) {
	opts = opts.withDefaults()
	if err := opts.validate(); err != nil {
		return nil, err
	}
	load := []func(*config.LoadOptions) error{
		config.WithAppID("scaleio-framework"), config.WithHTTPClient(awshttp.NewBuildableClient().WithTimeout(opts.AttemptTimeout)),
	}
	if opts.Region != "" {
		load = append(load, config.WithRegion(opts.Region))
	} else {
		load = append(load, config.WithEC2IMDSRegion())
	}
	cfg, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil && opts.Region == "" {
		return nil, fmt.Errorf("ebs: find the region, give --aws.region or AWS_REGION in the environment: %s", clean(err.Error()))
	}
	if err != nil {
		return nil, fmt.Errorf("ebs: read the AWS configuration: %s", clean(err.Error()))
	}
	if cfg.Region == "" {
		return nil, errors.New("ebs: no region: give --aws.region, or AWS_REGION in the environment")
	}
	cfg.Credentials = chain{cfg.Credentials}
	c := &Client{opts: opts, retryers: map[string]aws.Retryer{}, kinds: map[string]types.InstanceTypeInfo{}}
	for _, action := range mutating {
		c.retryers[action] = opts.retryer()
	}
	c.api = ec2.NewFromConfig(cfg, func(o *ec2.Options) {
		o.Retryer = opts.retryer()
		if opts.HTTPClient != nil {
			o.HTTPClient = opts.HTTPClient
		}
		if opts.Endpoint != "" {
			o.BaseEndpoint = aws.String(opts.Endpoint)
		}
	})
	opts.Logger.Debug("ec2 client ready", "region", cfg.Region, "endpoint", opts.Endpoint)
	return c, nil
}

// chain marks the errors of the credential chain, which the SDK leaves without
// a type.
type chain struct{ aws.CredentialsProvider }

// errCredentials is a chain that came to nothing.
type errCredentials struct{ cause error }

func (e *errCredentials) Error() string { return "find credentials: " + e.cause.Error() }
func (e *errCredentials) Unwrap() error { return e.cause }

// Retrieve gives the credentials of the chain.
func (p chain) Retrieve(ctx context.Context) (aws.Credentials, error) {
	found, err := p.CredentialsProvider.Retrieve(ctx)
	if err != nil {
		return aws.Credentials{}, &errCredentials{err}
	}
	return found, nil
}
