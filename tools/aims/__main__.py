"""A small AIMS for tests and small plants.

python -m tools.aims --broker mqtts://HOST[:PORT] --database postgresql://USER@HOST/NAME [--id NAME] [--group NAME] [--alarms]
       [--ca FILE] [--certificate FILE --certificate-key FILE] [--username NAME]

Subscribes to aims/v1/#, stores each message in PostgreSQL in one transaction a batch, and then acknowledges: to the
broker, and to the device on {device}/ack, up to which number nothing of a lane is missing. Start as many as are needed,
each with its own --id: they share the subscription. One with --alarms beside takes the alarm lane alone, so that alarms don't
wait behind a device's history; what both take is stored once. HOST or mqtt://HOST is spoken to without TLS: for a trusted network
only. The password of the broker is read from JIDOKA_AIMS_PASSWORD. Workers share one certificate where the listener is without
`use_username_as_clientid`. Tables and views: schema.sql. Needs: pip install 'psycopg[binary]>=3.2,<4'.
"""

from __future__ import annotations

import argparse
import os
import sys

from jidoka.broker.endpoint import broker_at
from jidoka_bridge.errors import PlainError

from tools.aims.worker import Address, work


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--broker",
        required=True,
        help="mqtts://HOST[:PORT] with TLS, wss://HOST/PATH, or HOST[:PORT] without TLS",
    )
    parser.add_argument("--database", required=True, help="as libpq takes it")
    parser.add_argument("--id", default="aims-1", help="client id at the broker, another for each worker")
    parser.add_argument(
        "--group", default="aims", help='of the shared subscription; "" for a broker of MQTT 3.1.1 only'
    )
    parser.add_argument("--alarms", action="store_true", help="take the alarm lane alone")
    parser.add_argument("--username", help="at the broker")
    parser.add_argument(
        "--ca", help="whom the broker's certificate must come from; the system's authorities if left out"
    )
    parser.add_argument("--certificate", help="of this worker, at the broker")
    parser.add_argument("--certificate-key", help="its key (0600)")
    options = parser.parse_args()
    if bool(options.certificate) != bool(options.certificate_key):
        parser.error("--certificate and --certificate-key belong together")
    try:
        broker = broker_at(
            options.broker, ca=options.ca, certificate=options.certificate, key=options.certificate_key,
            username=options.username,
        )  # fmt: skip
    except PlainError as error:
        parser.error(f"--broker {error.what}: {error.remedy}")
    if options.ca and not broker.is_tls:
        parser.error(
            f"--broker {options.broker} is spoken to without TLS, so --ca isn't used: write mqtts://"
        )
    password = os.environ.get("JIDOKA_AIMS_PASSWORD")
    address = Address(broker, password, options.group, options.id, options.alarms)
    try:
        work(address, options.database)
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
