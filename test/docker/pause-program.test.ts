/** The program of pause containers as bytes; that it runs is tested on a real Engine. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pauseImage } from '#docker/pause-image';
import { PAUSE_ARCHITECTURES, pauseProgram } from '#docker/pause-program';

const LOAD_ADDRESS = 0x40_0000n;
/** Instructions as a disassembler names them, checked once against `objdump` and run once under `qemu-aarch64`. */
const CODE = {
  amd64:
    'b80d000000 bf11000000 be80004000 31d2 41ba08000000 0f05 b80e000000 bf00000000 be78004000 0f05 ' +
    'b880000000 bf78004000 31f6 0f05 85c0 7eee b8e7000000 31ff 0f05',
  arm64:
    'c81080d2 200280d2 011080d2 0108a0f2 020080d2 030180d2 010000d4 e81080d2 000080d2 010f80d2 0108a0f2 010000d4 ' +
    '281180d2 000f80d2 0008a0f2 010080d2 010000d4 80ffffb7 c80b80d2 000080d2 010000d4',
};

for (const architecture of PAUSE_ARCHITECTURES) {
  test(`the program for ${architecture} is an executable of one segment that begins with its code`, () => {
    const file = pauseProgram(architecture);
    assert.equal(file.toString('latin1', 0, 4), '\x7fELF');
    assert.equal(file.readUInt16LE(16), 2, 'ET_EXEC');
    assert.equal(file.readUInt16LE(18), architecture === 'amd64' ? 62 : 183);
    const [entry, size] = [file.readBigUInt64LE(24) - LOAD_ADDRESS, file.readBigUInt64LE(64 + 32)];
    assert.equal(size, BigInt(file.length));
    assert.equal(file.readBigUInt64LE(64 + 8), 0n, 'the segment is the whole file');
    assert.equal(file.readBigUInt64LE(64 + 16), LOAD_ADDRESS);
    assert.equal(file.subarray(Number(entry)).toString('hex'), CODE[architecture].replaceAll(' ', ''));
  });

  test(`the image for ${architecture} is always the same, and small`, () => {
    const image = pauseImage(architecture);
    assert.deepEqual(pauseImage(architecture), image);
    assert.match(image.name, /^tidegate\/pause:[0-9a-f]{12}$/);
    assert.ok(image.archive.length <= 10_240, `${image.archive.length} bytes`);
  });
}

test('images for different processors have different names', () => {
  assert.notEqual(pauseImage('amd64').name, pauseImage('arm64').name);
});
