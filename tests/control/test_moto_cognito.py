"""moto's user pools do not read their RSA key, which nobody needs, but still have it."""

from sandbox.clock import Clock, run
from sandbox.control import moto_cognito
from tests.control.helpers import make_sandbox


def test_the_key_of_a_pool_is_read_when_it_is_asked_for():
    async def main(clock: Clock) -> None:
        sandbox = make_sandbox(clock)
        await sandbox.control.call("cognito-idp", "CreateUserPool", PoolName="p")
        from moto.cognitoidp.models import cognitoidp_backends

        [pool] = cognitoidp_backends[sandbox.settings.account]["us-east-1"].user_pools.values()
        assert isinstance(pool.json_web_key, moto_cognito._Key)
        assert "_read" not in vars(pool.json_web_key)
        assert pool.json_web_key.as_dict(private=False)["kty"] == "RSA"
        assert "_read" in vars(pool.json_web_key)

    run(main, in_flight="test")
