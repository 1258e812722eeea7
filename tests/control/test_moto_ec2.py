"""moto's EC2 makes its images and reads its lists of instance types when something looks at them."""

from sandbox.clock import Clock, run
from sandbox.control import moto_ec2
from tests.control.helpers import make_sandbox


def test_images_are_made_when_they_are_looked_at():
    async def main(clock: Clock) -> None:
        sandbox = make_sandbox(clock)
        await sandbox.control.call("ec2", "CreateVpc", CidrBlock="10.0.0.0/16")
        from moto.ec2.models import ec2_backends

        backend = ec2_backends[sandbox.settings.account]["us-east-1"]
        assert vars(backend)["amis"] == {}
        [image] = (await sandbox.control.call("ec2", "DescribeImages", ImageIds=["ami-03cf127a"]))["Images"]
        assert image["ImageId"] == "ami-03cf127a"
        assert len(vars(backend)["snapshots"]) == len(vars(backend)["amis"]) > 1000

    run(main, in_flight="test")


def test_snapshots_of_images_are_there_without_a_look_at_the_images():
    async def main(clock: Clock) -> None:
        sandbox = make_sandbox(clock)
        await sandbox.control.call("ec2", "DescribeVpcs")
        from moto.ec2.models import ec2_backends

        assert len(ec2_backends[sandbox.settings.account]["us-east-1"].snapshots) > 1000

    run(main, in_flight="test")


def test_offerings_are_read_for_the_region_that_is_looked_up():
    folder = "ec2/resources/instance_type_offerings/availability-zone"
    zones = moto_ec2._Offerings("availability-zone", {"sa-east-1": f"{folder}/sa-east-1.json.gz"})
    assert "sa-east-1" not in zones
    assert {one["LocationType"] for one in zones.get("sa-east-1")} == {"availability-zone"}
    assert {one["Location"][:9] for one in zones["sa-east-1"]} == {"sa-east-1"}
    assert zones.get("mars-east-1", []) == []


def test_offerings_are_told_as_ever():
    async def main(clock: Clock) -> None:
        sandbox = make_sandbox(clock)
        filters = [{"Name": "instance-type", "Values": ["t3.micro"]}]
        asked = {"LocationType": "availability-zone", "Filters": filters}
        found = await sandbox.control.call("ec2", "DescribeInstanceTypeOfferings", **asked)
        assert {one["Location"] for one in found["InstanceTypeOfferings"]} > {"us-east-1a", "us-east-1b"}

    run(main, in_flight="test")


def test_regions_are_those_of_botocore():
    async def main(clock: Clock) -> None:
        sandbox = make_sandbox(clock)
        found = await sandbox.control.call("ec2", "DescribeRegions", AllRegions=True)
        assert {"us-east-1", "eu-central-1", "sa-east-1"} < {one["RegionName"] for one in found["Regions"]}

    run(main, in_flight="test")
