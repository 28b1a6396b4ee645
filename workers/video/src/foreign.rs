//! The few calls that the crate for FFmpeg has no safe words for.
#![expect(unsafe_code, reason = "FFmpeg's own C functions, on objects that are borrowed for the call alone")]

use ffmpeg_next::codec::Parameters;
use ffmpeg_next::color::{Range, Space};
use ffmpeg_next::ffi;
use ffmpeg_next::format::Pixel;
use ffmpeg_next::format::context::Output;
use ffmpeg_next::frame;
use ffmpeg_next::software::scaling;

/// Reads the time zone, as long as files may be read. FFmpeg tells when a film was made by `gmtime_r`, which has no use for
/// one and reads it all the same, once.
pub(crate) fn read_time_zone() {
    let (now, mut parts) = (0, std::mem::MaybeUninit::uninit());
    // SAFETY: both pointers are valid for the call, and what it writes is not read.
    unsafe { libc::gmtime_r(&now, parts.as_mut_ptr()) };
}

/// Has `scaler` turn the colours of `frame` into RGB as the frame says they are meant. By itself it takes all films for
/// those of standard television.
pub(crate) fn mean_colours_of(scaler: &mut scaling::Context, frame: &frame::Video) {
    let matrix = match frame.color_space() {
        Space::BT709 => ffi::SWS_CS_ITU709,
        Space::BT2020NCL | Space::BT2020CL => ffi::SWS_CS_BT2020,
        Space::FCC => ffi::SWS_CS_FCC,
        Space::SMPTE240M => ffi::SWS_CS_SMPTE240M,
        // Not told: as players do, by the size.
        Space::Unspecified if frame.height() > 576 => ffi::SWS_CS_ITU709,
        _ => ffi::SWS_CS_ITU601,
    };
    let wide = frame.color_range() == Range::JPEG
        || matches!(frame.format(), Pixel::YUVJ420P | Pixel::YUVJ422P | Pixel::YUVJ444P | Pixel::YUVJ440P);
    // SAFETY: the scaler is valid, the tables are FFmpeg's own and static, and are copied. Where the formats have no
    // such setting nothing is changed.
    unsafe {
        let table = ffi::sws_getCoefficients(matrix);
        let plain = ffi::sws_getCoefficients(ffi::SWS_CS_DEFAULT);
        ffi::sws_setColorspaceDetails(
            scaler.as_mut_ptr(),
            table,
            i32::from(wide),
            plain,
            1,
            0,
            1 << 16,
            1 << 16,
        );
    }
}

/// Width and height of a track's pictures, as the container says; 0 where it does not.
pub(crate) fn size(parameters: &Parameters) -> (u32, u32) {
    // SAFETY: the parameters are valid, and two numbers of theirs are read.
    let (width, height) = unsafe { ((*parameters.as_ptr()).width, (*parameters.as_ptr()).height) };
    (u32::try_from(width).unwrap_or(0), u32::try_from(height).unwrap_or(0))
}

/// What the container keeps for the decoder of a track.
pub(crate) fn head(parameters: &Parameters) -> &[u8] {
    // SAFETY: there are as many bytes as it says, for as long as the parameters live.
    unsafe {
        let inner = parameters.as_ptr();
        let (at, size) = ((*inner).extradata, (*inner).extradata_size);
        match usize::try_from(size) {
            Ok(size) if !at.is_null() => std::slice::from_raw_parts(at, size),
            _ => &[],
        }
    }
}

/// Puts other bytes there. False where there is no memory for them.
pub(crate) fn set_head(parameters: &mut Parameters, bytes: &[u8]) -> bool {
    let Ok(size) = i32::try_from(bytes.len()) else { return false };
    // SAFETY: what is allocated has room for the bytes and the padding behind them, which is zero, and is FFmpeg's to free,
    // as is what was there before.
    unsafe {
        let place = ffi::av_mallocz(bytes.len() + ffi::AV_INPUT_BUFFER_PADDING_SIZE as usize).cast::<u8>();
        if place.is_null() {
            return false;
        }
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), place, bytes.len());
        let inner = parameters.as_mut_ptr();
        ffi::av_freep((&raw mut (*inner).extradata).cast());
        ((*inner).extradata, (*inner).extradata_size) = (place, size);
    }
    true
}

/// Writes down how the track is to be turned, where the muxer has a place for it.
pub(crate) fn turn_track(output: &mut Output, track: usize, matrix: &[u8]) {
    // SAFETY: the track is one of the output's; what is allocated for it is as long as what is copied, or is not there.
    unsafe {
        let context = output.as_mut_ptr();
        if track >= (*context).nb_streams as usize {
            return;
        }
        let stream = *(*context).streams.add(track);
        let kind = ffi::AVPacketSideDataType::AV_PKT_DATA_DISPLAYMATRIX;
        let place = ffi::av_stream_new_side_data(stream, kind, matrix.len());
        if !place.is_null() {
            std::ptr::copy_nonoverlapping(matrix.as_ptr(), place, matrix.len());
        }
    }
}
