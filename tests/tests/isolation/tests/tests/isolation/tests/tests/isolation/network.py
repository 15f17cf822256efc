"""Connects to what it is told to and tells what came of it: `open`, or the name of the error."""

import errno
import socket
from concurrent.futures import ThreadPoolExecutor
from os import environ
from urllib.parse import urlsplit

API = urlsplit(environ["__OW_API_HOST"])


def connect(target):
    host, port = target
    try:
        socket.create_connection((host or API.hostname, port or API.port), timeout=3).close()
        return "open"
    except TimeoutError:
        return "ETIMEDOUT"
    except socket.gaierror:
        return "ENOTFOUND"
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))


def send(target):
    host, port = target
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        try:
            sender.sendto(b"from an action", (host or API.hostname, port))
            return "sent"
        except OSError as error:
            return errno.errorcode.get(error.errno, str(error))


def address():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((API.hostname, 9))
        return probe.getsockname()[0]


def main(args):
    with ThreadPoolExecutor(32) as pool:
        tried = list(pool.map(connect, args.get("targets", [])))
    sent = [send(target) for target in args.get("datagrams", [])]
    return {"tried": tried, "sent": sent, "address": address(), "gateway": API.hostname}
