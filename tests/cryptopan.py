"""Crypto-PAn a second time, straight from the paper (Xu, Fan, Ammar, Moon, ICNP 2002), with AES by the program openssl:
the pad is AES of the key's second half; bit i of a pseudonym is bit i of the address, turned over by the first bit of
AES(the first i bits of the address, then the pad's)."""
import ipaddress
import subprocess


class Pseudonyms:
    def __init__(self, key):
        self.key = key
        self.pad = int.from_bytes(self.aes(key[16:]), "big")
        self.known = {}

    def aes(self, blocks):
        command = ["openssl", "enc", "-aes-128-ecb", "-nopad", "-K", self.key[:16].hex()]
        return subprocess.run(command, input=blocks, stdout=subprocess.PIPE, check=True).stdout

    def bits(self, value, width):
        """The pseudonyms of integers of that many bits, all in one run of openssl."""
        blocks = bytearray()
        for number in value:
            for i in range(width):
                kept = number >> (width - i) if i else 0
                low = self.pad & ((1 << (128 - i)) - 1)
                blocks += ((kept << (128 - i)) | low).to_bytes(16, "big")
        out = self.aes(bytes(blocks))
        for n, number in enumerate(value):
            turned = 0
            for i in range(width):
                turned = turned << 1 | out[(n * width + i) * 16] >> 7
            yield number ^ turned

    def learn(self, texts):
        """Makes self.known of all these addresses, in text as in text; the unspecified ones stay."""
        new = sorted(set(texts) - set(self.known))
        for version, width, make in ((4, 32, ipaddress.IPv4Address), (6, 128, ipaddress.IPv6Address)):
            family = [text for text in new if ipaddress.ip_address(text).version == version]
            numbers = [int(ipaddress.ip_address(text)) for text in family]
            if not numbers:
                continue
            for text, number, out in zip(family, numbers, self.bits(numbers, width)):
                self.known[text] = str(make(out if number else 0))

    def of(self, text):
        if text not in self.known:
            self.learn([text])
        return self.known[text]

    def prefix(self, text):
        """Of "10.0.0.0/8": the pseudonym's first bits, the rest zero; of one address as it is written."""
        network = ipaddress.ip_network(text)
        width = network.max_prefixlen
        number = next(self.bits([int(network.network_address)], width))
        number &= ~((1 << (width - network.prefixlen)) - 1)
        first = str(type(network.network_address)(number))
        return first if network.prefixlen == width else f"{first}/{network.prefixlen}"
