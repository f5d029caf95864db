"""A small AIMS for tests and small plants.

python -m tools.aims --broker HOST[:PORT] --database postgresql://USER@HOST/NAME [--id NAME] [--group NAME] [--alarms]

Subscribes to aims/v1/#, stores each message in PostgreSQL in one transaction a batch, and then acknowledges: to the
broker, and to the device on {device}/ack, up to which number nothing of a lane is missing. Start as many as are needed,
each with its own --id: they share the subscription. One with --alarms beside takes the alarm lane alone, so that alarms don't
wait behind a device's history; what both take is stored once. The password of the broker is read from JIDOKA_AIMS_PASSWORD.
Tables and views: schema.sql. Needs: pip install 'psycopg[binary]>=3.2,<4'.
"""

from __future__ import annotations

import argparse
import os
import sys

from tools.aims.worker import Address, work


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--broker", required=True, help="HOST or HOST:PORT")
    parser.add_argument("--database", required=True, help="as libpq takes it")
    parser.add_argument("--id", default="aims-1", help="client id at the broker, another for each worker")
    parser.add_argument(
        "--group", default="aims", help='of the shared subscription; "" for a broker of MQTT 3.1.1 only'
    )
    parser.add_argument("--alarms", action="store_true", help="take the alarm lane alone")
    parser.add_argument("--username")
    options = parser.parse_args()
    host, _, port = options.broker.partition(":")
    if port and not port.isdigit():
        parser.error(f"--broker {options.broker}: {port!r} isn't a port")
    address = Address(
        host,
        int(port or 1883),
        options.username,
        os.environ.get("JIDOKA_AIMS_PASSWORD"),
        options.group,
        options.id,
        options.alarms,
    )
    try:
        work(address, options.database)
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
