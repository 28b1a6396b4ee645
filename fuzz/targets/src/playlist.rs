//! HLS playlists, as a source sends them.

use lazaret::streams::pull::hls::playlist::{Playlist, choose};
use url::Url;

pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let Ok(base) = Url::parse("https://source.example/live/index.m3u8?key=secret") else { return };
    let lines = text.lines().count();
    match Playlist::read(&text, &base) {
        Ok(Playlist::Master(variants)) => {
            assert!(variants.len() <= lines);
            let chosen = choose(&variants);
            assert!(chosen.is_none_or(|chosen| variants.contains(chosen)));
        }
        Ok(Playlist::Media(media)) => {
            // What is waited before the next look is worked out of it.
            assert!(media.segments.len() <= lines && media.target.is_finite(), "{media:?}");
        }
        Err(trouble) => assert!(crate::is_for_people(&trouble.to_string()), "{trouble}"),
    }
}

pub fn seeds() -> Vec<Vec<u8>> {
    let media = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:17\n\
        #EXT-X-MAP:URI=\"init.mp4\",BYTERANGE=\"700@0\"\n#EXTINF:4.0,\n#EXT-X-BYTERANGE:1000@700\nall.mp4\n\
        #EXTINF:4.0,\n#EXT-X-BYTERANGE:1000\nall.mp4\n#EXT-X-DISCONTINUITY\n#EXT-X-GAP\n#EXTINF:2,\n/b.ts\n";
    let master = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=800000,RESOLUTION=640x360,CODECS=\"avc1,mp4a\"\nlow.m3u8\n\
        #EXT-X-STREAM-INF:BANDWIDTH=2000000\nhttps://other.example/high.m3u8\n";
    let seeds = [
        media.to_owned(),
        format!("{media}#EXT-X-ENDLIST\n"),
        media.replace('\n', "\r\n"),
        media.replace(":17", ":18446744073709551615"),
        media.replace("1000@700", "18446744073709551615@18446744073709551615"),
        media.replace("TARGETDURATION:4", "TARGETDURATION:inf"),
        media.replace("TARGETDURATION:4", "TARGETDURATION:nan"),
        media.replace("#EXT-X-GAP", "#EXT-X-KEY:METHOD=AES-128,URI=\"k\""),
        master.to_owned(),
        master.replace("low.m3u8", "file:///etc/passwd"),
        "#EXTM3U".to_owned(),
    ];
    seeds.into_iter().map(String::into_bytes).collect()
}
