#!/usr/bin/env python3
"""A unit test of card code in Python, without a card, a reader or a daemon, and without anything to install.

    python3 examples/card_test.py

SCM_LIBRARY names the library, such as target/release/libscm.so; without it the loader looks for libscm.so.0.1.

Part one is a small binding: what of scm.h is needed here. Part two is card code as a program has it. Part three is a card,
in the middle of whose commands things can happen, and part four lets them happen.
"""
import os
import unittest
from ctypes import (CDLL, CFUNCTYPE, POINTER, Structure, byref, c_char_p, c_int32, c_size_t, c_ubyte, c_uint32, c_uint64,
                    c_void_p, create_string_buffer, memmove, sizeof, string_at)

# ---- One: the binding. Structures and functions as in scm.h; a failure is an exception. ----

scm = CDLL(os.environ.get("SCM_LIBRARY", "libscm.so.0.1"))
bytes_pointer = POINTER(c_ubyte)

SCM_S_OK = 0
SCM_E_FAIL = c_int32(0x80004005).value  # codes are signed: failures are negative
SCM_SCARD_F_COMM_ERROR = c_int32(0x80100013).value
SCM_DISPOSITION_RESET = 1
SCM_VIRTUAL_TRANSMIT = 7

TRANSMIT = CFUNCTYPE(c_int32, c_void_p, bytes_pointer, c_size_t, bytes_pointer, c_size_t, POINTER(c_size_t))
POWER = CFUNCTYPE(c_int32, c_void_p, c_uint32)
CONTROL = CFUNCTYPE(c_int32, c_void_p, c_uint32, bytes_pointer, c_size_t, bytes_pointer, c_size_t, POINTER(c_size_t))
RELEASE = CFUNCTYPE(None, c_void_p)


class VirtualCard(Structure):
    """scm_virtual_card"""
    _fields_ = [("struct_size", c_uint32), ("protocols", c_uint32), ("atr", c_char_p), ("atr_length", c_size_t),
                ("user_data", c_void_p), ("transmit", TRANSMIT), ("power", POWER), ("control", CONTROL), ("release", RELEASE)]


class ScmError(Exception):
    """A call of the library failed; `name` is that of the code, such as "SCM_SCARD_E_NO_SMARTCARD"."""

    def __init__(self, code):
        self.name = scm.scm_result_name(code).decode()
        super().__init__(f"{self.name}: {scm.scm_result_message(code).decode()}")


def succeed(result, function, arguments):
    if result < 0:
        raise ScmError(result)
    return result


def declare(name, *argtypes):
    function = getattr(scm, name)
    function.argtypes, function.restype, function.errcheck = argtypes, c_int32, succeed


# Without argtypes ctypes passes every number as an int of 32 bits, and pointers and lengths have more.
declare("scm_attach_by_ifd", c_char_p, POINTER(c_void_p))
declare("scm_detach", c_void_p)
declare("scm_reconnect", c_void_p)
declare("scm_transmit", c_void_p, c_char_p, c_size_t, c_char_p, c_size_t, POINTER(c_size_t))
declare("scm_get_generation", c_void_p, POINTER(c_uint64))
declare("scm_virtual_ifd_create", c_char_p, c_void_p, POINTER(c_void_p))
declare("scm_virtual_ifd_destroy", c_void_p)
declare("scm_virtual_ifd_insert", c_void_p, POINTER(VirtualCard))
declare("scm_virtual_ifd_remove", c_void_p)
declare("scm_virtual_ifd_reset", c_void_p, c_uint32)
declare("scm_virtual_ifd_fail", c_void_p, c_uint32, c_int32, c_uint32, c_uint32)
declare("scm_virtual_ifd_get_log", c_void_p, c_char_p, c_size_t, POINTER(c_size_t))
declare("scm_virtual_ifd_clear_log", c_void_p)
for text_of_result in scm.scm_result_name, scm.scm_result_message:
    text_of_result.argtypes, text_of_result.restype = [c_int32], c_char_p


class Attachment:
    """scm_handle"""

    def __init__(self, ifd_name):
        self.handle = c_void_p()
        scm.scm_attach_by_ifd(ifd_name.encode(), byref(self.handle))

    def transmit(self, command):
        response, length = create_string_buffer(258), c_size_t()
        scm.scm_transmit(self.handle, command, len(command), response, len(response), byref(length))
        return response.raw[:length.value]

    def reconnect(self):
        """Whether the card is the same as before."""
        return scm.scm_reconnect(self.handle) == SCM_S_OK

    @property
    def generation(self):
        generation = c_uint64()
        scm.scm_get_generation(self.handle, byref(generation))
        return generation.value

    def detach(self):
        scm.scm_detach(self.handle)


class VirtualReader:
    """scm_virtual_ifd. A card is an object with `atr`, `transmit(command)`, `power(event)` and `release()`."""

    def __init__(self, name):
        self.ifd = c_void_p()
        self.plugs = []
        self.accident = None
        scm.scm_virtual_ifd_create(name.encode(), None, byref(self.ifd))

    def insert(self, card):
        def transmit(_user, command, command_length, response, capacity, response_length):
            answer = card.transmit(string_at(command, command_length))
            assert len(answer) <= capacity
            memmove(response, answer, len(answer))
            response_length[0] = len(answer)

        plug = VirtualCard(struct_size=sizeof(VirtualCard), atr=card.atr, atr_length=len(card.atr))
        plug.transmit = TRANSMIT(self.guard(transmit))
        plug.power = POWER(self.guard(lambda _user, event: card.power(event)))
        plug.release = RELEASE(self.guard(lambda _user: card.release()))
        # The library copies the structure, and calls these functions until `release` has returned. To Python that is no
        # reason to keep them, and what is called after it was collected brings the process down.
        self.plugs.append(plug)
        scm.scm_virtual_ifd_insert(self.ifd, byref(plug))

    def guard(self, function):
        """An exception that leaves a callback is printed by ctypes, and forgotten. Here it fails the call, and the test."""
        def guarded(*arguments):
            try:
                function(*arguments)
            except BaseException as exception:
                self.accident = self.accident or exception
                return SCM_E_FAIL
            return SCM_S_OK
        return guarded

    def remove(self):
        scm.scm_virtual_ifd_remove(self.ifd)

    def reset(self):
        scm.scm_virtual_ifd_reset(self.ifd, SCM_DISPOSITION_RESET)

    def fail(self, operation, code, skip, count):
        scm.scm_virtual_ifd_fail(self.ifd, operation, code, skip, count)

    def log(self):
        text, length = create_string_buffer(1 << 20), c_size_t()
        scm.scm_virtual_ifd_get_log(self.ifd, text, len(text), byref(length))
        return text.value.decode().splitlines()

    def clear_log(self):
        scm.scm_virtual_ifd_clear_log(self.ifd)

    def destroy(self):
        scm.scm_virtual_ifd_destroy(self.ifd)
        if self.accident:
            raise self.accident


# ---- Two: the code under test. In a program of yours it is in a file of its own. ----

class Refused(Exception):
    """The card did not answer with 9000."""


class OtherCard(Exception):
    """Another card answers than before."""


def ask(card, command):
    answer = card.transmit(bytes.fromhex(command))
    if answer[-2:] != b"\x90\x00":
        raise Refused(answer[-2:].hex())
    return answer[:-2]


def read_once(card):
    """Selects the file EF01 and reads it, 8 bytes at a time, until an answer is shorter."""
    text, part = b"", bytes(8)
    ask(card, "00A4000C 02 EF01")
    while len(part) == 8:
        part = ask(card, f"00B0{len(text):04X} 08")
        text += part
    return text


def read_text(card, tries=3):
    """Reads the text of the card, whole and from one card. When the card is lost on the way (reset, pulled and put back,
    out of touch), it starts again from the beginning. Another card is none of its business: OtherCard."""
    while True:
        try:
            return read_once(card)
        except ScmError:
            tries -= 1
            if not card.reconnect():
                raise OtherCard
            if tries == 0:
                raise


# ---- Three: a card, and a hand that does things to it while it is being asked. ----

class Card:
    text = b"Hello, card!"

    def __init__(self, reader, name=b"A"):
        self.reader = reader
        self.atr = b"\x3B\x81\x01" + name + bytes([0x80 ^ name[0]])  # T=1, one historical byte, checksum
        self.selected = False
        self.commands = 0
        self.deeds = {}  # what happens in the middle of which command
        self.then = None  # what happens when the card has been pulled

    def transmit(self, command):
        self.commands += 1
        self.deeds.pop(self.commands, lambda: None)()
        instruction, offset = command[1], int.from_bytes(command[2:4], "big")
        if instruction == 0xA4:
            self.selected = True
            return b"\x90\x00"
        if instruction != 0xB0:
            return b"\x6D\x00"
        if not self.selected:
            return b"\x69\x86"
        return self.text[offset:offset + 8] + b"\x90\x00"

    def power(self, event):
        self.selected = False

    def release(self):
        """The card is out of its reader, and no call is in it any more: the hand has it."""
        then, self.then = self.then, None
        if then:
            self.reader.insert(then)


# ---- Four: the tests. ----

class ReadText(unittest.TestCase):
    def setUp(self):
        self.reader = VirtualReader("Test reader")
        self.addCleanup(self.reader.destroy)
        self.card = Card(self.reader)
        self.reader.insert(self.card)
        self.attachment = Attachment("Test reader")
        self.addCleanup(self.attachment.detach)
        self.reader.clear_log()

    def pull_at(self, command, then=None):
        self.card.deeds[command] = self.reader.remove
        self.card.then = then

    def test_a_text_is_read(self):
        self.assertEqual(read_text(self.attachment), Card.text)
        self.assertEqual(self.attachment.generation, 0)
        self.assertEqual(self.reader.log(), ["transmit 00A4000C02EF01 -> 9000",
                                             "transmit 00B0000008 -> 48656C6C6F2C20639000",
                                             "transmit 00B0000808 -> 617264219000"])

    def test_a_card_that_is_pulled_is_reported(self):
        self.pull_at(2)
        with self.assertRaises(ScmError) as caught:
            read_text(self.attachment)
        self.assertEqual(caught.exception.name, "SCM_SCARD_E_NO_SMARTCARD")
        self.assertEqual(self.attachment.generation, 1)
        self.assertIn("transmit 00B0000008 -> SCM_SCARD_W_REMOVED_CARD", self.reader.log())

    def test_a_card_that_comes_back_is_read_from_the_beginning(self):
        self.pull_at(3, then=self.card)
        self.assertEqual(read_text(self.attachment), Card.text)
        self.assertEqual(self.attachment.generation, 1)
        self.assertEqual(self.card.commands, 6)

    def test_a_reset_is_overcome_at_every_moment(self):
        for moment in 1, 2, 3:
            with self.subTest(moment=moment):
                self.card.commands = 0
                self.card.deeds[moment] = self.reader.reset
                self.assertEqual(read_text(self.attachment), Card.text)
                self.assertEqual(self.attachment.generation, moment)

    def test_halves_of_two_cards_are_no_text(self):
        other = Card(self.reader, b"B")
        self.pull_at(3, then=other)
        with self.assertRaises(OtherCard):
            read_text(self.attachment)
        self.assertEqual(other.commands, 0)

    def test_a_failure_of_the_reader_is_overcome_twice(self):
        self.reader.fail(SCM_VIRTUAL_TRANSMIT, SCM_SCARD_F_COMM_ERROR, skip=1, count=2)
        self.assertEqual(read_text(self.attachment), Card.text)
        self.assertEqual(self.attachment.generation, 2)


if __name__ == "__main__":
    unittest.main()
