"""One TLS context for our HTTP clients."""

import ssl

from sandbox.aws.tls import public_authorities


def test_public_authorities_are_read_once_and_checked():
    context = public_authorities()
    assert context is public_authorities()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert len(context.get_ca_certs()) > 50


def test_clients_that_offer_other_protocols_have_a_context_of_their_own():
    assert public_authorities(("h2",)) is not public_authorities()
