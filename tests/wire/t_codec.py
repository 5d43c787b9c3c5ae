#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The codec beside other decoders and encoders: t_codec.py [WIRE_TOOL]. Prints TAP.

tshark and scapy read what we build, we read what scapy builds, and what captures that
nobody here wrote hold (DMIP6_SHARED/pcap, by default ../shared beside the source).
"""
import hashlib
import hmac
import importlib.util
import logging
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHARED = os.environ.get("DMIP6_SHARED", os.path.join(os.path.dirname(TOP), "shared"))
BUILD = os.environ.get("BUILDDIR", os.path.join(TOP, "build"))
TOOL = sys.argv[1] if len(sys.argv) > 1 else os.path.join(BUILD, "tests", "wire", "wire_tool")
SECRET = b"0123456789abcdef"
LINK_ETHERNET, LINK_RAW, LINK_IPV6 = 1, 101, 229
HOA, COA, HA, CN = ("2001:db8:1:101::40a", "2001:db8:2:1::c0a", "2001:db8:1:100::1",
                    "2001:db8:9::c")


class Tap:
    def __init__(self):
        self.count = self.failed = 0

    def ok(self, good, name, why=""):
        self.count += 1
        print(f"{'ok' if good else 'not ok'} {self.count} - {name}")
        if not good:
            self.failed += 1
            for line in str(why).splitlines():
                print("# " + line)

    def skip(self, name, why):
        self.count += 1
        print(f"ok {self.count} - {name} # SKIP {why}")

    def equal(self, got, wanted, name):
        """Every field of wanted is in got, with that value."""
        wrong = [f"{k}: got {got.get(k)!r}, want {v!r}" for k, v in wanted.items()
                 if got.get(k) != v]
        self.ok(not wrong, name, "\n".join(wrong))


tap = Tap()


# ---- wire_tool

def tool(*args, stdin=""):
    r = subprocess.run([TOOL, *args], input=stdin, capture_output=True, text=True, check=False)
    if r.returncode != 0:
        raise RuntimeError(f"wire_tool {' '.join(args)}: status {r.returncode}: {r.stderr[:2000]}")
    return r.stdout


def read(packets, fix=False):
    """One dictionary per packet; a key that comes more than once has its values by comma."""
    out = tool("read", *(["fix"] if fix else []), stdin="".join(p.hex() + "\n" for p in packets))
    result = []
    for block in out.split("\n\n")[:-1]:
        d = {}
        for line in block.splitlines():
            k, v = line.split("=", 1)
            d[k] = f"{d[k]};{v}" if k in d else v
        result.append(d)
    if len(result) != len(packets):
        raise RuntimeError(f"{len(packets)} packets in, {len(result)} answers out")
    return result


# ---- (a) tshark reads what we build

TRUE, GOOD = "1", "1"
TSHARK = {
    "brr": {"mip6.mhtype": "0", "mip6.hlen": "0"},
    "hoti": {"mip6.mhtype": "1", "mip6.hoti.cookie": "0x0102030405060708"},
    "coti": {"mip6.mhtype": "2", "mip6.coti.cookie": "0x090a0b0c0d0e0f10"},
    "hot": {"mip6.mhtype": "3", "mip6.hot.nindex": "2314",
            "mip6.hot.cookie": "0x0102030405060708", "mip6.hot.token": "0x1112131415161718"},
    "cot": {"mip6.mhtype": "4", "mip6.cot.nindex": "2315",
            "mip6.cot.cookie": "0x090a0b0c0d0e0f10",
            "mip6.hot.token": "0x191a1b1c1d1e1f20"},
    "bu-plain": {"mip6.mhtype": "5", "mip6.bu.seqnr": "1", "mip6.bu.lifetime": "15",
                 "ipv6.opt.mipv6.home_address": HOA},
    "bu-home": {"mip6.bu.seqnr": "4660", "mip6.bu.a_flag": TRUE, "mip6.bu.h_flag": TRUE,
                "mip6.bu.l_flag": TRUE, "mip6.bu.k_flag": "0", "mip6.bu.lifetime": "150",
                "ipv6.opt.mipv6.home_address": HOA, "mip6.acoa.acoa": COA,
                "mip6.auth.subtype": "1", "mip6.auth.mobility_spi": "256"},
    "bu-open": {"mip6.bu.seqnr": "2", "mip6.bu.lifetime": "150", "mip6.acoa.acoa": COA,
                "ipv6.opt.mipv6.home_address": HOA, "mip6.auth.mobility_spi": ""},
    "bu-identity": {"mip6.bu.k_flag": TRUE, "mip6.mnid.subtype": "1",
                    "mip6.mnid.identifier": "mn@example.org", "mip6.auth.mobility_spi": "3"},
    "bu-aaa": {"mip6.auth.subtype": "1,2", "mip6.auth.mobility_spi": "3,5"},
    "bu-correspondent": {"mip6.bu.a_flag": TRUE, "mip6.bu.h_flag": "0", "mip6.ni.hni": "1234",
                         "mip6.ni.cni": "5678", "mip6.bad.auth": "0102030405060708090a0b0c"},
    "bu-deregister": {"mip6.bu.seqnr": "65535", "mip6.bu.lifetime": "0",
                      "ipv6.opt.mipv6.home_address": ""},
    "ba-accepted": {"mip6.mhtype": "6", "mip6.ba.status": "0", "mip6.ba.k_flag": TRUE,
                    "mip6.ba.seqnr": "4660", "mip6.ba.lifetime": "150",
                    "mip6.bra.interval": "120", "ipv6.routing.type": "2",
                    "ipv6.routing.segleft": "1", "ipv6.routing.mipv6.home_address": HOA,
                    "mip6.auth.mobility_spi": "256"},
    "ba-rejected": {"mip6.ba.status": "135", "mip6.ba.seqnr": "8192"},
    # The names that tshark gives to triggers and states of acknowledgement are those of a
    # draft of RFC 5846; where the fields stand is the same.
    "bri": {"mip6.mhtype": "16", "mip6.bri_br.type": "1", "mip6.bri_r.trigger": "1",
            "mip6.bri_seqnr": str(0xbeef), "mip6.bri_ip": "0", "mip6.bri_iv": "0",
            "mip6.bri_ig": "0", "mip6.bri_res": "0x0000", "ipv6.routing.type": "2",
            "ipv6.routing.mipv6.home_address": HOA, "mip6.auth.mobility_spi": "256"},
    "bri-global": {"mip6.mhtype": "16", "mip6.bri_br.type": "1", "mip6.bri_r.trigger": "128",
                   "mip6.bri_seqnr": "7", "mip6.bri_ip": TRUE, "mip6.bri_ig": TRUE},
    "bra": {"mip6.mhtype": "16", "mip6.bri_br.type": "2", "mip6.bri_status": "128",
            "mip6.bri_seqnr": str(0xbeef), "mip6.bri_ap": "0", "mip6.bri_av": "0",
            "mip6.bri_ag": "0", "ipv6.opt.mipv6.home_address": HOA,
            "mip6.auth.mobility_spi": "256"},
    "pbu": {"mip6.mhtype": "5", "mip6.bu.p_flag": TRUE, "mip6.bu.seqnr": str(0x4321),
            "mip6.bu.lifetime": "75", "mip6.mnid.identifier": "mn@example.org",
            "mip6.nemo.mnp.mnp": "2001:db8:1:101::,2001:db8:1:102::",
            "mip6.nemo.mnp.pfl": "64,64", "mip6.hi": "3", "mip6.att": "4",
            "mip6.lila_lla": "fe80::ff:fe00:1"},
    "pba": {"mip6.mhtype": "6", "mip6.ba.p_flag": TRUE, "mip6.ba.status": "155",
            "mip6.ba.seqnr": str(0x4321), "mip6.nemo.mnp.pfl": "64,64", "mip6.hi": "3"},
    "heartbeat": {"mip6.mhtype": "13", "mip6.hb.u_flag": TRUE, "mip6.hb.r_flag": TRUE,
                  "mip6.hb.seqnr": str(0xdeadbeef), "mip6.rc": str(0x10203)},
    "be": {"mip6.mhtype": "7", "mip6.be.status": "1", "mip6.be.haddr": HOA},
    "rs": {"icmpv6.type": "133", "icmpv6.checksum.status": GOOD,
           "icmpv6.opt.src_linkaddr": "02:00:00:00:00:01"},
    "rs-unspecified": {"icmpv6.type": "133", "icmpv6.checksum.status": GOOD,
                       "icmpv6.opt.type": ""},
    "ra-home-agent": {"icmpv6.type": "134", "icmpv6.checksum.status": GOOD,
                      "icmpv6.nd.ra.cur_hop_limit": "64", "icmpv6.nd.ra.flag.m": "0",
                      "icmpv6.nd.ra.flag.o": TRUE, "icmpv6.nd.ra.flag.h": TRUE,
                      "icmpv6.nd.ra.router_lifetime": "1800",
                      "icmpv6.nd.ra.reachable_time": "30000",
                      "icmpv6.nd.ra.retrans_timer": "1000", "icmpv6.opt.mtu": "1600",
                      "icmpv6.opt.prefix": f"2001:db8:1:101::,{HA}",
                      "icmpv6.opt.prefix.length": "64,64",
                      "icmpv6.opt.prefix.flag.l": "0,0", "icmpv6.opt.prefix.flag.a": "1,0",
                      "icmpv6.opt.prefix.flag.r": "0,1",
                      "icmpv6.opt.prefix.valid_lifetime": "3600,3600",
                      "icmpv6.opt.prefix.preferred_lifetime": "1800,1800",
                      "icmpv6.opt.advertisement_interval": "10000",
                      "icmpv6.opt.home_agent_preference": "10",
                      "icmpv6.opt.home_agent_lifetime": "900",
                      "icmpv6.opt.rdnss.lifetime": "600", "icmpv6.opt.rdnss": f"{HA},{CN}"},
    "ra-final": {"icmpv6.checksum.status": GOOD, "icmpv6.nd.ra.flag.m": TRUE,
                 "icmpv6.nd.ra.router_lifetime": "0"},
    "ns": {"icmpv6.type": "135", "icmpv6.checksum.status": GOOD,
           "icmpv6.nd.ns.target_address": "fe80::ff:fe00:a1"},
    "na": {"icmpv6.type": "136", "icmpv6.checksum.status": GOOD, "icmpv6.nd.na.flag.r": TRUE,
           "icmpv6.nd.na.flag.s": TRUE, "icmpv6.nd.na.flag.o": TRUE,
           "icmpv6.nd.na.target_address": "fe80::ff:fe00:a1",
           "icmpv6.opt.target_linkaddr": "02:00:00:00:00:a1"},
    "dhaad-request": {"icmpv6.type": "144", "icmpv6.checksum.status": GOOD,
                      "icmpv6.mip6.identifier": "23130"},
    "dhaad-reply": {"icmpv6.type": "145", "icmpv6.checksum.status": GOOD,
                    "icmpv6.mip6.identifier": "23130",
                    "icmpv6.mip6.home_agent_address": f"{HA},{CN}"},
    "mps": {"icmpv6.type": "146", "icmpv6.checksum.status": GOOD,
            "icmpv6.mip6.identifier": "119", "ipv6.opt.mipv6.home_address": HOA},
    "mpa": {"icmpv6.type": "147", "icmpv6.checksum.status": GOOD,
            "icmpv6.mip6.identifier": "119", "icmpv6.mip6.flag.m": TRUE,
            "icmpv6.mip6.flag.o": "0", "icmpv6.opt.prefix": "2001:db8:1:101::",
            "icmpv6.opt.prefix.valid_lifetime": "7200",
            "ipv6.routing.mipv6.home_address": HOA},
    "tunnel": {"ipv6.opt.tel": "4", "ipv6.nxt": "60,59", "ipv6.dstopts.nxt": "41"},
}
NUMBERS = re.compile(r"^0x[0-9a-f]+$")


def pcap(path, packets):
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, LINK_RAW))
        for p in packets:
            f.write(struct.pack("<IIII", 0, 0, len(p), len(p)) + p)


def same_value(got, wanted):
    """tshark prints some numbers in hexadecimal, which differs between versions."""
    def plain(text):
        return [str(int(x, 16)) if NUMBERS.match(x) else x for x in text.split(",")]
    return plain(got) == plain(wanted)


def tshark_fields(packets, fields):
    with tempfile.TemporaryDirectory() as d:
        path = os.path.join(d, "catalogue.pcap")
        pcap(path, packets)
        cmd = ["tshark", "-n", "-r", path, "-T", "fields", "-E", "occurrence=a",
               "-E", "separator=/t", "-E", "aggregator=,"]
        for f in fields:
            cmd += ["-e", f]
        r = subprocess.run(cmd, capture_output=True, text=True, check=False)
    if r.returncode != 0:
        raise RuntimeError("tshark: " + r.stderr)
    return [dict(zip(fields, line.split("\t"))) for line in r.stdout.split("\n")[:-1]]


def test_tshark(catalogue):
    if not shutil.which("tshark"):
        tap.skip("tshark reads what we build", "tshark is not installed")
        return
    unknown = ["_ws.malformed", "_ws.expert.message"]
    fields = sorted({f for d in TSHARK.values() for f in d}) + unknown
    rows = tshark_fields(list(catalogue.values()), fields)
    for name, row in zip(catalogue, rows):
        wrong = [f"{k}: got {row[k]!r}, want {v!r}" for k, v in TSHARK[name].items()
                 if not same_value(row[k], v)]
        wrong += [f"{k}: {row[k]}" for k in unknown if row[k]]
        tap.ok(not wrong, f"tshark reads {name}", "\n".join(wrong))


# ---- (b) scapy reads what we build

def scapy_parse(packet):
    """Parsed to the end, and built again from the fields, checksum anew, to the same octets."""
    from scapy.all import Padding, Raw, raw
    from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, MIP6MH_Generic, Pad1, PadN
    p, again = IPv6(packet), IPv6(packet)
    wrong = []
    # Of a mobility message that it does not know (RFC 5846) scapy leaves the body alone.
    if p.haslayer(Padding) or (p.haslayer(Raw) and not p.haslayer(MIP6MH_Generic)):
        wrong.append("octets that scapy cannot place: " + p.summary())
    layer = again
    while layer:
        if "cksum" in layer.fields:
            layer.cksum = None
        if isinstance(layer, IPv6ExtHdrDestOpt):
            # scapy pads anew, and looks for a Home Address option that stands alone.
            layer.options = [o for o in layer.options if not isinstance(o, (Pad1, PadN))]
        layer = layer.payload
    if raw(again) != packet:
        wrong.append(f"built again: {raw(again).hex()}\nours:        {packet.hex()}")
    return wrong


def option(p, cls):
    return [o for o in p.options if isinstance(o, cls)][0]


def test_scapy_reads(catalogue):
    import scapy.layers.inet6 as s
    for name, packet in catalogue.items():
        wrong = scapy_parse(packet)
        tap.ok(not wrong, f"scapy reads {name}, and the checksum is right", "\n".join(wrong))

    bu = s.IPv6(catalogue["bu-home"])[s.MIP6MH_BU]
    tap.equal({"seq": bu.seq, "flags": str(bu.flags), "time": bu.mhtime,
               "acoa": option(bu, s.MIP6OptAltCoA).acoa, "spi": option(bu, s.MIP6OptMsgAuth).mspi},
              {"seq": 0x1234, "flags": "LHA", "time": 150, "acoa": COA, "spi": 256},
              "scapy: fields of bu-home")
    ra = s.IPv6(catalogue["ra-home-agent"])
    tap.equal({"H": ra[s.ICMPv6ND_RA].H, "O": ra[s.ICMPv6ND_RA].O,
               "prefix": ra[s.ICMPv6NDOptPrefixInfo].prefix,
               "R": ra.getlayer(s.ICMPv6NDOptPrefixInfo, 2).R,
               "address": ra.getlayer(s.ICMPv6NDOptPrefixInfo, 2).prefix,
               "interval": ra[s.ICMPv6NDOptAdvInterval].advint,
               "preference": ra[s.ICMPv6NDOptHAInfo].pref,
               "lifetime": ra[s.ICMPv6NDOptHAInfo].lifetime,
               "mtu": ra[s.ICMPv6NDOptMTU].mtu, "dns": ra[s.ICMPv6NDOptRDNSS].dns},
              {"H": 1, "O": 1, "prefix": "2001:db8:1:101::", "R": 1, "address": HA,
               "interval": 10000, "preference": 10, "lifetime": 900, "mtu": 1600,
               "dns": [HA, CN]}, "scapy: fields of ra-home-agent")
    ba = s.IPv6(catalogue["ba-accepted"])
    tap.equal({"rh2": ba[s.IPv6ExtHdrRouting].addresses, "type": ba[s.IPv6ExtHdrRouting].type,
               "status": ba[s.MIP6MH_BA].status,
               "refresh": option(ba[s.MIP6MH_BA], s.MIP6OptBRAdvice).rinter},
              {"rh2": [HOA], "type": 2, "status": 0, "refresh": 120},
              "scapy: fields of ba-accepted")
    be = s.IPv6(catalogue["be"])[s.MIP6MH_BE]
    tap.equal({"status": be.status, "ha": be.ha}, {"status": 1, "ha": HOA},
              "scapy: fields of be")


# ---- (c) we read what scapy builds

BU_HOME = {"src": COA, "dst": HA, "hao": HOA, "type": "BU"}
PROXY = {"mn_id": "mn@example.org", "handoff": "3", "access_type": "4", "unknown": "0",
         "home_prefix": "2001:db8:1:101::/64;2001:db8:1:102::/64",
         "link_layer": "020000000001", "link_local": "fe80::ff:fe00:1",
         "timestamp": str(0x00006565a1b28000)}
SCAPY = {
    "brr": {"type": "BRR", "unknown": "0"},
    "hoti": {"type": "HoTI", "cookie": str(0x0102030405060708)},
    "coti": {"type": "CoTI", "cookie": str(0x090a0b0c0d0e0f10)},
    "hot": {"type": "HoT", "nonce_index": str(0x90a), "token": str(0x1112131415161718)},
    "cot": {"type": "CoT", "nonce_index": str(0x90b), "token": str(0x191a1b1c1d1e1f20)},
    "bu-plain": {**BU_HOME, "seq": "1", "flags": str(0xc000), "lifetime": "15"},
    "bu-home": {**BU_HOME, "seq": "4660", "flags": str(0xe000), "lifetime": "150",
                "alt_coa": COA, "mn_ha_spi": "256", "mn_ha_covered": "40", "mn_ha_last": "1",
                "mn_ha_valid": "0"},
    "bu-correspondent": {"type": "BU", "flags": str(0x8000), "home_nonce": str(0x4d2),
                         "coa_nonce": str(0x162e), "auth_data": "0102030405060708090a0b0c"},
    "bu-identity": {**BU_HOME, "mn_id": "mn@example.org", "mesg_id": str(0xe5f0a1b2c3d4e5f6),
                    "mn_ha_spi": "3", "mn_ha_last": "0", "mn_aaa_spi": "5"},
    "bu-unknown-options": {**BU_HOME, "unknown": "2", "alt_coa": COA},
    "bu-deregister": {"src": HOA, "hao": None, "seq": "65535", "lifetime": "0"},
    "ba-accepted": {"type": "BA", "rh2": HOA, "status": "0", "flags": "128", "seq": "4660",
                    "lifetime": "150", "refresh": "120"},
    "ba-rejected": {"type": "BA", "status": "135", "seq": "8192"},
    "bri": {"type": "BR", "rh2": HOA, "br_type": "1", "code": "1", "seq": str(0xbeef),
            "flags": "0", "mn_ha_covered": "20", "mn_ha_last": "1"},
    "bra": {"type": "BR", "hao": HOA, "br_type": "2", "code": "128", "seq": str(0xbeef),
            "flags": "0", "mn_ha_covered": "20", "mn_ha_last": "1"},
    "bri-global": {"type": "BR", "br_type": "1", "code": "128", "seq": "7",
                   "flags": str(0xa000)},
    "pbu": {"type": "BU", "hao": None, "flags": str(0xc200), "seq": str(0x4321), **PROXY},
    "pba": {"type": "BA", "rh2": None, "flags": "32", "status": "155", "seq": str(0x4321),
            **PROXY},
    "heartbeat": {"type": "HB", "flags": "3", "seq": str(0xdeadbeef),
                  "restart_counter": str(0x10203), "unknown": "0"},
    "be": {"type": "BE", "status": "1", "hoa": HOA},
    "rs": {"type": "133", "lladdr": "020000000001"},
    "rs-unspecified": {"type": "133", "lladdr": None, "src": "::"},
    "ra-home-agent": {"type": "134", "flags": str(0x60), "router_lifetime": "1800",
                      "mtu": "1600", "adv_interval": "10000", "ha_preference": "10",
                      "ha_lifetime": "900", "lladdr": "0200000000a1",
                      "prefix": f"2001:db8:1:101::/64,64,3600,1800;{HA}/64,32,3600,1800",
                      "rdnss": "2001:db8:53::1;2001:db8:53::2", "rdnss_lifetime": "600"},
    "ra-plain": {"flags": "128", "router_lifetime": "0",
                 "prefix": "2001:db8:5::/64,192,4294967295,4294967295"},
    "ns": {"type": "135", "target": "fe80::ff:fe00:a1", "lladdr": "020000000001"},
    "na": {"type": "136", "flags": str(0xe0), "target": "fe80::ff:fe00:a1"},
    "dhaad-request": {"type": "144", "id": str(0x5a5a)},
    "dhaad-reply": {"type": "145", "ha": f"{HA};2001:db8:1:100::2"},
    "mps": {"type": "146", "hao": HOA, "id": "119"},
    "mpa": {"type": "147", "rh2": HOA, "id": "119", "flags": "128",
            "prefix": "2001:db8:1:101::/64,64,7200,3600"},
    "tunnel": {"next_header": "41", "tunnel_limit": "4", "tclass": "184"},
}


def load_vectors():
    path = os.path.join(TOP, "tests", "vectors", "make.py")
    spec = importlib.util.spec_from_file_location("make_vectors", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.VECTORS


def octets_of_vector(name):
    with open(os.path.join(TOP, "tests", "vectors", name + ".hex"), encoding="ascii") as f:
        return bytes.fromhex("".join(line.split("#")[0] for line in f))


def test_scapy_writes():
    from scapy.all import raw
    vectors = load_vectors()
    packets = {name: raw(p) for name, (_, p) in vectors.items()}
    for (name, packet), got in zip(packets.items(), read(list(packets.values()))):
        tap.equal(got, SCAPY[name], f"we read {name} built by scapy")
        tap.ok(packet == octets_of_vector(name), f"{name}.hex is what scapy builds",
               packet.hex())


# ---- RFC 4285 5.1 computed here, from the text of the RFC

def mn_ha(coa, hoa, mh, covered, algorithm, length):
    data = (socket.inet_pton(socket.AF_INET6, coa) + socket.inet_pton(socket.AF_INET6, hoa) +
            mh[:4] + b"\0\0" + mh[6:covered])
    return hmac.new(SECRET, data, algorithm).digest()[:length].hex()


def test_authentication(catalogue):
    cases = {"bu-home": (64, 40, hashlib.sha256, 16), "bu-identity": (64, 52, hashlib.sha1, 12),
             "bu-aaa": (64, 20, hashlib.sha1, 12), "bu-deregister": (40, 20, hashlib.sha256, 16),
             "ba-accepted": (64, 24, hashlib.sha256, 16), "bri": (64, 20, hashlib.sha256, 16),
             "bra": (64, 20, hashlib.sha256, 16)}
    for name, (at, covered, algorithm, length) in cases.items():
        packet = catalogue[name]
        got = read([packet])[0]
        coa = HOA if name == "bu-deregister" else COA
        tap.equal(got, {"mn_ha": mn_ha(coa, HOA, packet[at:], covered, algorithm, length),
                        "mn_ha_covered": str(covered), "mn_ha_valid": "1"},
                  f"{name}: authentication data as RFC 4285 defines it")
        wrong = bytearray(packet)
        wrong[at + 7] ^= 1
        tap.ok(read([bytes(wrong)], fix=True)[0].get("mn_ha_valid", "0") == "0",
               f"{name}: a turned bit spoils the authentication")


# ---- (d) captures

def captured(path):
    """The IPv6 packets of a pcap file, without their link header."""
    with open(path, "rb") as f:
        data = f.read()
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    link = struct.unpack(order + "I", data[20:24])[0] & 0xffff
    at = 24
    while at + 16 <= len(data):
        length = struct.unpack(order + "I", data[at + 8:at + 12])[0]
        frame = data[at + 16:at + 16 + length]
        at += 16 + length
        if link == LINK_ETHERNET:
            if frame[12:14] == b"\x86\xdd":
                yield frame[14:]
        elif link in (LINK_RAW, LINK_IPV6):
            yield frame


def value(pattern, text, base=10):
    m = re.search(pattern, text)
    return int("".join(m.groups()), base) if m else None


def expected_by_tcpdump(line):
    """What tcpdump -v says about a mobility message, in our words."""
    text = line.split("mobility: ", 1)[1]
    want = {"type": text.split()[0]}
    names = {"seq": value(r"seq#=(\d+)", text), "status": value(r"status=(\d+)", text),
             "nonce_index": value(r"nonce id=0x([0-9a-f]+)", text, 16),
             "cookie": value(r"Cookie=([0-9a-f]+):([0-9a-f]+)", text, 16),
             "token": value(r"Token=([0-9a-f]+):([0-9a-f]+)", text, 16),
             "home_nonce": value(r"ni: ho=0x([0-9a-f]+)", text, 16),
             "coa_nonce": value(r"co=0x([0-9a-f]+)", text, 16)}
    for key, pattern in (("lifetime", r"lifetime=(\d+)"), ("refresh", r"refresh: (\d+)")):
        seconds = value(pattern, text)
        names[key] = seconds // 4 if seconds is not None else None
    want.update({k: str(v) for k, v in names.items() if v is not None})
    for key, pattern in (("alt_coa", r"alt-CoA: ([0-9a-f:]+)"), ("hoa", r"homeaddr ([0-9a-f:]+)")):
        m = re.search(pattern, text)
        if m:
            want[key] = m.group(1)
    return want


def test_tcpdump_messages(folder):
    packets = list(captured(os.path.join(folder, "ipv6_mobility_1.pcap")))
    with open(os.path.join(folder, "ipv6_mobility_1-v.out"), encoding="ascii") as f:
        lines = [line for line in f if "mobility: " in line]
    tap.ok(len(packets) == len(lines) == 16, "ipv6_mobility_1: 16 packets")
    for i, (got, line) in enumerate(zip(read(packets, fix=True), lines), 1):
        want = expected_by_tcpdump(line)
        tap.equal(got, want, f"ipv6_mobility_1 {i}: {want['type']} as tcpdump reads it")
        tap.ok(("auth_data" in got) == ("(auth)" in line),
               f"ipv6_mobility_1 {i}: authorization data", got)
    # They were captured with a checksum of zero.
    tap.ok(all(d.get("error") == "mh-checksum" for d in read(packets)),
           "ipv6_mobility_1: refused as long as the checksum is wrong")


def hostile(packet):
    """The packet, and what it takes to get deeper into the codec with the same octets."""
    yield packet
    if len(packet) < 48:
        return
    for next_header in (packet[6], 135, 58, 60, 43, 0):
        p = bytearray(packet)
        p[0] = 0x60
        p[4:6] = struct.pack(">H", len(p) - 40)
        p[6] = next_header
        yield bytes(p)
        if next_header == 135:
            p[40] = 59
            yield bytes(p)
            for units in range((len(p) - 40) // 8):
                p[41] = units
                yield bytes(p)


def test_reproducers(folder):
    names = [n for n in sorted(os.listdir(folder)) if n.endswith(".pcap") and
             re.search(r"asan|oobr|overflow|negative_len", n)]
    for name in names:
        packets = [p for p in captured(os.path.join(folder, name)) if p]
        deep = [h for p in packets for h in hostile(p)]
        try:
            first = read(packets)
            read(deep)
            read(deep, fix=True)
            why = [d for d in first if "error" not in d]
        except RuntimeError as e:
            why = [e]
        tap.ok(packets and not why, f"{name}: rejected, and no octet read past the end", why)


ZEEK = {"brr": "BRR", "hoti": "HoTI", "coti": "CoTI", "hot": "HoT", "cot": "CoT", "bu": "BU",
        "back": "BA", "be": "BE"}
ZEEK_NAMES = {"seq": "seq", "life": "lifetime", "status": "status", "cookie": "cookie",
              "token": "token", "nonce_idx": "nonce_index", "hoa": "hoa"}
ZEEK_FLAGS = {"bu": {"a": 0x8000, "h": 0x4000, "l": 0x2000, "k": 0x1000}, "back": {"k": 0x80}}


def zeek_baseline(folder):
    with open(os.path.join(folder, "core.mobility_msg__output"), encoding="ascii") as f:
        for line in f:
            m = re.search(r"\b(%s)=\[([^\]]*)" % "|".join(ZEEK), line)
            if m:
                fields = dict(x.split("=", 1) for x in m.group(2).split(", ") if "=" in x)
                yield m.group(1), fields


def test_zeek_messages(folder):
    for kind, fields in zeek_baseline(folder):
        packet = next(captured(os.path.join(folder, f"mip6_{kind}.pcap")))
        want = {ours: fields[theirs] for theirs, ours in ZEEK_NAMES.items() if theirs in fields}
        want["type"] = ZEEK[kind]
        if kind in ZEEK_FLAGS:
            want["flags"] = str(sum(bit for flag, bit in ZEEK_FLAGS[kind].items()
                                    if fields[flag] == "T"))
        tap.equal(read([packet])[0], want, f"zeek mip6_{kind} as zeek reads it")


def test_zeek_checksums(folder):
    def one(name):
        return read([next(captured(os.path.join(folder, name + ".pcap")))])[0]
    tap.equal(one("mip6-good-mh-chksum"), {"type": "BE", "error": None},
              "zeek: good Mobility Header checksum")
    tap.equal(one("mip6-bad-mh-chksum"), {"error": "mh-checksum"},
              "zeek: bad Mobility Header checksum")
    for proto in ("tcp", "udp"):
        tap.equal(one(f"ip6-hoa-{proto}-good-chksum"), {"cksum": "0"},
                  f"zeek: {proto} checksum over the home address")
        tap.ok(one(f"ip6-hoa-{proto}-bad-chksum")["cksum"] != "0",
               f"zeek: bad {proto} checksum over the home address")
    tap.equal(one("ipv6-mobile-hoa"), {"hao": "2001:78:1:32::1", "next_header": "17"},
              "zeek: Home Address option")
    tap.equal(one("ipv6-mobile-routing"), {"rh2": "2001:78:1:32::1", "next_header": "17"},
              "zeek: type 2 routing header")
    tap.equal(one("6in6"), {"next_header": "41"}, "zeek: tunnel header")


ROUTERS = {
    "icmpv6": {"src": "fe80::b299:28ff:fec8:d66c", "type": "134", "hop_limit": "64",
               "flags": str(0x20), "router_lifetime": "15", "mtu": "100",
               "adv_interval": "5000", "ha_preference": "50001", "ha_lifetime": "15",
               "lladdr": "b09928c8d66c",
               "prefix": "2222:3333:4444:5555:6600::/72,192,2592000,604800",
               "rdnss": "abcd::efef;1234:5678::1", "rdnss_lifetime": "5"},
    "icmpv6_opt24": {"type": "134", "flags": str(0xc0), "hop_limit": "0", "mtu": "1500",
                     "lladdr": "14cf928723d6", "prefix": "fd8d:4fb3:5b2e::/64,192,7200,1800",
                     "rdnss": "fd8d:4fb3:5b2e::1", "rdnss_lifetime": "1800"},
    "icmpv6-ns-nonce": {"src": "::", "type": "135", "target": "fe80::546f:f7ff:fee1:f",
                        "lladdr": None},
}


def test_neighbours(folder):
    """Fields as the expected output beside the capture says."""
    for name, want in ROUTERS.items():
        packet = next(captured(os.path.join(folder, name + ".pcap")))
        tap.equal(read([packet])[0], want, f"{name}: first packet as tcpdump reads it")
    bad = list(captured(os.path.join(os.path.dirname(folder), "zeek",
                                     "ipv6-mobility-dst-opts.pcap")))
    tap.ok(all("error" in d for d in read(bad)),
           "zeek: destination options of wrong length or with two home addresses", read(bad))


def test_captures():
    folder = os.path.join(SHARED, "pcap")
    if not os.path.isdir(folder):
        tap.skip("captures of others", f"no folder {os.path.basename(SHARED)}/pcap beside "
                 "the source (DMIP6_SHARED names another)")
        return
    test_tcpdump_messages(os.path.join(folder, "tcpdump"))
    test_neighbours(os.path.join(folder, "tcpdump"))
    test_reproducers(os.path.join(folder, "tcpdump"))
    test_zeek_messages(os.path.join(folder, "zeek"))
    test_zeek_checksums(os.path.join(folder, "zeek"))


def main():
    if not os.access(TOOL, os.X_OK):
        print(f"1..1\nnot ok 1 - wire_tool was not built\n# {TOOL}")
        return 1
    catalogue = {n: bytes.fromhex(tool("build", n).strip()) for n in tool("list").split()}
    tap.ok(set(catalogue) == set(TSHARK), "every message of the catalogue has its fields",
           set(catalogue) ^ set(TSHARK))
    test_tshark(catalogue)
    test_authentication(catalogue)
    try:
        logging.getLogger("scapy").setLevel(logging.ERROR)
        import scapy.layers.inet6  # noqa: F401
    except ImportError:
        tap.skip("scapy beside the codec", "scapy is not installed")
    else:
        test_scapy_reads(catalogue)
        test_scapy_writes()
    test_captures()
    print(f"1..{tap.count}")
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.exit(main())
