"""A mail server for tests: prints its port, then each mail as one line of JSON.

Arguments: plain, or tls with a certificate and its key. Whoever is called `bounce` is not known here, and
`later` is told once to come again.
"""

import asyncio
import base64
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult


class Handler:
    put_off = set()

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("bounce"):
            return "550 5.1.1 no such user"
        if address.startswith("later") and address not in self.put_off:
            self.put_off.add(address)
            return "451 4.3.0 not now"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "tls": session.ssl is not None,
            "version": server.transport.get_extra_info("ssl_object").version() if session.ssl else None,
            "authenticated": bool(session.authenticated),
            "content": base64.b64encode(envelope.content).decode(),
        }
        print(json.dumps(mail), flush=True)
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    is_known = (data.login, data.password) == (b"robot", b"open sesame")
    return AuthResult(success=is_known, handled=is_known)


async def main():
    context = None
    if sys.argv[1] == "tls":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[2], sys.argv[3])
    loop = asyncio.get_running_loop()

    def serve():
        return SMTP(
            Handler(),
            hostname="localhost",
            tls_context=context,
            require_starttls=context is not None,
            authenticator=authenticate,
            auth_required=context is not None,
            auth_require_tls=True,
        )

    server = await loop.create_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
